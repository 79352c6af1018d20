package interop;

/** Namespaces and algorithms. */
final class Names {
  static final String WSA = "http://www.w3.org/2005/08/addressing";
  static final String WSBA = "http://docs.oasis-open.org/ws-tx/wsba/2006/06";
  static final String C = "urn:concordat:2026:coordination";
  static final String OWN = "urn:example:jaxws";
  static final String XMLNS = "http://www.w3.org/2000/xmlns/";
  static final String RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
  static final String ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
  static final String SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";
  static final String EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#";

  private Names() {}
}
