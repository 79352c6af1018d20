/*
 * A signed echo by gSOAP's own WS-Security plugin: verifies body, Timestamp and wsa:Action of each request and signs the same three of
 * the reply. A thread a connection, as the gSOAP guide has it for keep-alive; the bench pins all of them to one core.
 *
 * usage: echo PORT KEY.pem CERTIFICATE.pem CA.pem       prints its port when it listens; 0 takes any free one
 */
#include "soapH.h"
#include "bench.nsmap"
#include "plugin/wsseapi.h"
#include <pthread.h>
#include <signal.h>

#define REPLY_ACTION "urn:concordat:bench:EchoResponse"
#define BACKLOG 128
#define LIFETIME_SECONDS 300

static EVP_PKEY *key;
static X509 *certificate;

static void *read_pem(const char *path, int is_key)
{
  FILE *file = fopen(path, "r");
  void *read;
  if (!file)
    return NULL;
  read = is_key ? (void *)PEM_read_PrivateKey(file, NULL, NULL, NULL) : (void *)PEM_read_X509(file, NULL, NULL, NULL);
  fclose(file);
  return read;
}

static const struct { const char *ns, *name; } SIGNED[] = {
  { "http://schemas.xmlsoap.org/soap/envelope/", "Body" },
  { "http://www.w3.org/2005/08/addressing", "Action" },
  { "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd", "Timestamp" },
};

/* Body, Action and Timestamp are covered by the signature, which the plugin has verified, and the Timestamp has not expired. */
static int check_signed(struct soap *soap)
{
  size_t i;
  for (i = 0; i < sizeof(SIGNED) / sizeof(*SIGNED); i++)
    if (soap_wsse_verify_element(soap, SIGNED[i].ns, SIGNED[i].name) == 0)
      return soap_sender_fault(soap, "a part is not signed", SIGNED[i].name);
  return soap_wsse_verify_Timestamp(soap);
}

int b__Echo(struct soap *soap, char *text, struct b__EchoResponse *response)
{
  if (check_signed(soap))
    return soap->error;
  soap_wsse_delete_Security(soap);
  soap->header->wsa5__Action = REPLY_ACTION;
  if (soap_wsse_set_wsu_id(soap, "wsa5:Action")
   || soap_wsse_add_Timestamp(soap, "Time", LIFETIME_SECONDS)
   || soap_wsse_add_BinarySecurityTokenX509(soap, "Token", certificate)
   || soap_wsse_add_KeyInfo_SecurityTokenReferenceX509(soap, "#Token")
   || soap_wsse_sign_body(soap, SOAP_SMD_SIGN_RSA_SHA256, key, 0))
    return soap->error;
  response->b__text = text;
  return SOAP_OK;
}

/* A fault sent to us as a one-way message, which WS-Addressing allows and nobody does here. */
int SOAP_ENV__Fault(struct soap *soap, char *faultcode, char *faultstring, char *faultactor, struct SOAP_ENV__Detail *detail,
                    struct SOAP_ENV__Code *code, struct SOAP_ENV__Reason *reason, char *node, char *role,
                    struct SOAP_ENV__Detail *detail12)
{
  return SOAP_NO_METHOD;
}

static void *serve(void *connection)
{
  struct soap *soap = (struct soap *)connection;
  pthread_detach(pthread_self());
  soap_wsse_verify_auto(soap, SOAP_SMD_NONE, NULL, 0);
  soap_serve(soap);
  soap_destroy(soap);
  soap_end(soap);
  soap_free(soap);
  return NULL;
}

int main(int argc, char **argv)
{
  struct soap *soap;
  struct sockaddr_in address;
  socklen_t length = sizeof(address);
  if (argc != 5) {
    fprintf(stderr, "usage: echo PORT KEY.pem CERTIFICATE.pem CA.pem\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  soap_ssl_init();
  key = (EVP_PKEY *)read_pem(argv[2], 1);
  certificate = (X509 *)read_pem(argv[3], 0);
  if (!key || !certificate) {
    fprintf(stderr, "the key or the certificate is not readable\n");
    return 2;
  }
  soap = soap_new2(SOAP_IO_KEEPALIVE | SOAP_XML_CANONICAL, SOAP_IO_KEEPALIVE | SOAP_XML_CANONICAL);
  soap_register_plugin(soap, soap_wsse);
  soap->cafile = argv[4];
  soap->max_keep_alive = 0; /* no bound */
  soap->bind_flags = SO_REUSEADDR;
  soap->accept_flags = 0;
  if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", atoi(argv[1]), BACKLOG))
   || getsockname(soap->master, (struct sockaddr *)&address, &length)) {
    soap_print_fault(soap, stderr);
    return 2;
  }
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    pthread_t thread;
    struct soap *connection;
    if (!soap_valid_socket(soap_accept(soap)))
      continue;
    connection = soap_copy(soap);
    if (!connection || pthread_create(&thread, NULL, serve, connection))
      return 2;
  }
}
