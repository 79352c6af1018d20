// Signs and verifies with gSOAP's wsse plugin. Made to be copied.
#pragma once
#include <map>
#include <stdexcept>
#include <string>
#include "options.hpp"
#include "soapH.h"
#include "wsseapi.h"

// A message that is not what it should be: nothing in it is believed.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Our key, the authority, and who the replicas are.
class Keys {
 public:
  explicit Keys(const Options &options);
  // The replica that holds the key of this certificate.
  int replicaOf(const X509 *certificate) const;

  EVP_PKEY *key;
  X509 *certificate;
  std::string authority;

 private:
  std::map<int, X509 *> replicas;
};

using Element = struct soap_dom_element;

// What a replica signed: every header block, and the child of the Body. Lives until the connection that received it is cleared.
struct Message {
  int replica;
  const Element *header;
  const Element *content;

  // The text of the only header block of that name; empty if there is none.
  std::string headerText(const char *ns, const char *name) const;
};

// A gSOAP context that signs what it sends and verifies what it receives.
class Connection {
 public:
  explicit Connection(const Keys &keys);
  ~Connection();
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  // The next message that is sent is signed: Body, Timestamp, and the header blocks with these qualified names.
  void sign(const std::string &blocks);
  // Opens what was received, a fault or not. Throws Refused.
  Message verify();
  // Forgets the last exchange and all that was allocated for it.
  void clear();

  struct soap *const soap;

 private:
  static int record(struct soap *soap, const char *bytes, size_t count);
  const Element *document();

  const Keys &keys;
  // The message as it came, and what reads it as a document.
  std::string received;
  struct soap *const reader;
};

// The children of an element are its elts, one next to the other.
bool isNamed(const Element *element, const char *ns, const char *name);
// The first element of that name below this one; null if there is none.
const Element *find(const Element *below, const char *ns, const char *name);
std::string textOf(const Element *element);
