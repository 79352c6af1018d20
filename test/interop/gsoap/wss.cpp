#include "wss.hpp"
#include <openssl/pem.h>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <sstream>
#include "ActivationSoap11Binding.nsmap"
#include "names.hpp"

namespace {
constexpr time_t LIFETIME_S = 300;
constexpr time_t CLOCK_WINDOW_S = 300;
constexpr int TIMEOUT_S = 20;
constexpr size_t MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

template <typename T>
T *readPem(const std::string &path, T *(*read)(FILE *, T **, pem_password_cb *, void *)) {
  FILE *file = std::fopen(path.c_str(), "r");
  T *found = file ? read(file, nullptr, nullptr, nullptr) : nullptr;
  if (file) std::fclose(file);
  if (!found) throw std::runtime_error("cannot read " + path);
  return found;
}

std::string faultText(struct soap *soap) {
  const char **text = soap_faultstring(soap);
  const char **detail = soap_faultdetail(soap);
  return std::string("wsse: ") + (text && *text ? *text : "") + (detail && *detail ? std::string(" ") + *detail : "");
}

void require(const char *found, const char *expected) {
  if (!found || std::strcmp(found, expected) != 0) throw Refused(std::string(found ? found : "nothing") + " is not accepted");
}

// The plugin verifies whatever algorithms a message names; these are ours.
void checkAlgorithms(const ds__SignedInfoType *info) {
  if (!info->SignatureMethod || !info->CanonicalizationMethod) throw Refused("no algorithm");
  require(info->SignatureMethod->Algorithm, names::RSA_SHA256);
  require(info->CanonicalizationMethod->Algorithm, names::EXCLUSIVE_C14N);
  for (int i = 0; i < info->__sizeReference; i++) {
    const auto *reference = info->Reference[i];
    if (!reference->DigestMethod || !reference->Transforms || reference->Transforms->__sizeTransform != 1) throw Refused("not one transform");
    require(reference->DigestMethod->Algorithm, names::SHA256);
    require(reference->Transforms->Transform[0].Algorithm, names::EXCLUSIVE_C14N);
  }
}

// Whether a reference is to this very element, by its wsu:Id. That no Id comes twice, the plugin checks.
bool isSigned(const Element *element, const ds__SignedInfoType *info) {
  for (const auto *attribute = element->atts; attribute; attribute = attribute->next) {
    const char *colon = std::strchr(attribute->name, ':');
    if (std::strcmp(colon ? colon + 1 : attribute->name, "Id") != 0 || !attribute->nstr || std::strcmp(attribute->nstr, names::WSU) != 0) continue;
    for (int i = 0; i < info->__sizeReference; i++) {
      const char *uri = info->Reference[i]->URI;
      if (uri && *uri == '#' && std::strcmp(uri + 1, attribute->text) == 0) return true;
    }
  }
  return false;
}

void mustBeSigned(const Element *element, const ds__SignedInfoType *info) {
  if (!element || !isSigned(element, info)) throw Refused(std::string(element ? element->name : "a part") + " is not signed");
}

// gSOAP checks Expires; a message from the future is refused here.
void checkTime(struct soap *soap) {
  if (soap_wsse_verify_Timestamp(soap)) throw Refused(faultText(soap));
  const auto *timestamp = soap_wsse_Timestamp(soap);
  time_t created = 0;
  if (!timestamp || !timestamp->Created || soap_s2dateTime(soap, timestamp->Created, &created)) throw Refused("no time");
  const time_t now = std::time(nullptr);
  if (created > now + CLOCK_WINDOW_S || created < now - CLOCK_WINDOW_S) throw Refused("too old, or from the future");
}

int signer(struct soap *soap, const Keys &keys) {
  X509 *certificate = soap_wsse_get_KeyInfo_SecurityTokenReferenceX509(soap);
  if (!certificate) throw Refused("no certificate of the authority");
  struct Release {
    X509 *held;
    ~Release() { X509_free(held); }
  } release{certificate};
  return keys.replicaOf(certificate);
}
}  // namespace

Keys::Keys(const Options &options)
    : key(readPem<EVP_PKEY>(options.dir + "/keys/" + options.client + ".key", PEM_read_PrivateKey)),
      certificate(readPem<X509>(options.dir + "/keys/" + options.client + ".pem", PEM_read_X509)),
      authority(options.dir + "/ca.pem") {
  for (const auto &replica : options.replicas) {
    const std::string path = options.dir + "/replica-" + std::to_string(replica.first) + "/replica.pem";
    replicas[replica.first] = readPem<X509>(path, PEM_read_X509);
  }
}

int Keys::replicaOf(const X509 *certificate) const {
  for (const auto &replica : replicas)
    if (X509_cmp(replica.second, certificate) == 0) return replica.first;
  throw Refused("the certificate is no replica's");
}

Connection::Connection(const Keys &keys)
    // Canonical output: what is signed is then what is sent, byte by byte.
    : soap(soap_new1(SOAP_XML_CANONICAL | SOAP_C_UTFSTRING)), keys(keys), reader(soap_new1(SOAP_C_UTFSTRING)) {
  soap_set_namespaces(soap, namespaces);
  soap_register_plugin(soap, soap_wsse);
  soap->cafile = keys.authority.c_str();
  soap->connect_timeout = soap->recv_timeout = soap->send_timeout = TIMEOUT_S;
  soap->recv_maxlength = MAX_MESSAGE_BYTES;
  soap->user = this;
  soap->fpreparerecv = record;
}

Connection::~Connection() {
  clear();
  soap_free(reader);
  soap_free(soap);
}

void Connection::clear() {
  soap_destroy(soap);
  soap_end(soap);
  soap_destroy(reader);
  soap_end(reader);
  received.clear();
}

int Connection::record(struct soap *soap, const char *bytes, size_t count) {
  static_cast<Connection *>(soap->user)->received.append(bytes, count);
  return SOAP_OK;
}

void Connection::sign(const std::string &blocks) {
  soap_wsse_add_Timestamp(soap, "Time", LIFETIME_S);
  soap_wsse_add_BinarySecurityTokenX509(soap, "X509Token", keys.certificate);
  soap_wsse_add_KeyInfo_SecurityTokenReferenceX509(soap, "#X509Token");
  soap_wsse_set_wsu_id(soap, blocks.c_str());
  // The plugin writes an ECDSA value as DER, which nobody else reads: XML Signature wants r and s side by side (RFC 4050 §3.3).
  const bool elliptic = EVP_PKEY_base_id(keys.key) == EVP_PKEY_EC;
  soap_wsse_sign_body(soap, elliptic ? SOAP_SMD_SIGN_ECDSA_SHA256 : SOAP_SMD_SIGN_RSA_SHA256, keys.key, 0);
  soap_wsse_sign_only(soap, (blocks + " Time Body").c_str());
}

// The plugin verifies on the document in the context. The one that gSOAP keeps while it reads into structs lacks some elements that
// the structs have no members for, so the message is read once more, as a document and nothing else.
const Element *Connection::document() {
  std::istringstream in(received);
  reader->is = &in;
  soap->dom = soap_begin_recv(reader) ? nullptr : soap_in_xsd__anyType(reader, nullptr, nullptr, nullptr);
  reader->is = nullptr;
  if (!soap->dom) throw Refused("not XML");
  return soap->dom;
}

Message Connection::verify() {
  const ds__SignedInfoType *info = soap_wsse_SignedInfo(soap);
  if (!info) throw Refused("not a signed message");
  checkAlgorithms(info);
  const int replica = signer(soap, keys);
  const Element *envelope = document();
  if (soap_wsse_verify_Signature(soap)) throw Refused(faultText(soap));
  checkTime(soap);

  const Element *header = envelope->elts;
  const Element *body = header ? header->next : nullptr;
  if (!isNamed(header, envelope->nstr, "Header") || !isNamed(body, envelope->nstr, "Body") || body->next || !body->elts)
    throw Refused("not an Envelope of Header and Body");
  mustBeSigned(body, info);
  for (const Element *block = header->elts; block; block = block->next) {
    if (isNamed(block, names::WSSE, "Security")) mustBeSigned(find(block, names::WSU, "Timestamp"), info);
    else mustBeSigned(block, info);
  }
  return {replica, header, body->elts};
}

std::string Message::headerText(const char *ns, const char *name) const {
  const Element *found = nullptr;
  for (const Element *block = header->elts; block; block = block->next) {
    if (!isNamed(block, ns, name)) continue;
    if (found) throw Refused(std::string(name) + " comes twice");
    found = block;
  }
  return textOf(found);
}

bool isNamed(const Element *element, const char *ns, const char *name) {
  if (!element || !element->name || !element->nstr || std::strcmp(element->nstr, ns) != 0) return false;
  const char *colon = std::strchr(element->name, ':');
  return std::strcmp(colon ? colon + 1 : element->name, name) == 0;
}

const Element *find(const Element *below, const char *ns, const char *name) {
  for (const Element *element = below ? below->elts : nullptr; element; element = element->next) {
    if (isNamed(element, ns, name)) return element;
    if (const Element *found = find(element, ns, name)) return found;
  }
  return nullptr;
}

std::string textOf(const Element *element) { return element && element->text ? element->text : ""; }
