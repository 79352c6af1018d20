// Namespaces and algorithms.
#pragma once

namespace names {
constexpr const char *WSA = "http://www.w3.org/2005/08/addressing";
constexpr const char *WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
constexpr const char *WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
constexpr const char *WSCOOR = "http://docs.oasis-open.org/ws-tx/wscoor/2006/06";
constexpr const char *WSBA = "http://docs.oasis-open.org/ws-tx/wsba/2006/06";
constexpr const char *BAI = "http://www.big.tuwien.ac.at/projects/WS-BAI/";
constexpr const char *C = "urn:concordat:2026:coordination";
constexpr const char *OWN = "urn:example:gsoap";
constexpr const char *EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#";
constexpr const char *SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";
constexpr const char *RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
}  // namespace names
