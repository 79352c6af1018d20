/** The XML namespaces Concordat speaks, each with the prefix it is always written with. */
export const NS = {
  soap11: 'http://schemas.xmlsoap.org/soap/envelope/',
  soap12: 'http://www.w3.org/2003/05/soap-envelope',
  wsa: 'http://www.w3.org/2005/08/addressing',
  wscoor: 'http://docs.oasis-open.org/ws-tx/wscoor/2006/06',
  wsba: 'http://docs.oasis-open.org/ws-tx/wsba/2006/06',
  /** WS-BA-I, the initiator protocol; rebound here to the 2006/06 namespaces. */
  wsbai: 'http://www.big.tuwien.ac.at/projects/WS-BAI/',
  wsse: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd',
  wsu: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd',
  ds: 'http://www.w3.org/2000/09/xmldsig#',
  xml: 'http://www.w3.org/XML/1998/namespace',
  /** Our own: stream header, reference parameters, extension elements, fault details. */
  concordat: 'urn:concordat:2026:coordination',
} as const;

export const PREFIX: ReadonlyMap<string, string> = new Map([
  [NS.soap11, 'soap'],
  [NS.soap12, 'soap12'],
  [NS.wsa, 'wsa'],
  [NS.wscoor, 'wscoor'],
  [NS.wsba, 'wsba'],
  [NS.wsbai, 'bai'],
  [NS.wsse, 'wsse'],
  [NS.wsu, 'wsu'],
  [NS.ds, 'ds'],
  [NS.xml, 'xml'],
  [NS.concordat, 'c'],
]);
