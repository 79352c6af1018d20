// For soapcpp2: what wsdl2h made of the WSDLs, and what no WSDL names.
#import "concordat.h"

mutable struct SOAP_ENV__Header
{
  c__SequenceType *c__Sequence 0;
};

// The detail of a fault, as docs/soap-messages.md says. The first three are gSOAP's own.
mutable struct SOAP_ENV__Detail
{
  int __type 0;
  void *fault 0;
  _XML __any;
  char *c__Code 0;
  char *c__Retryable 0;
  char *c__Detail 0;
  $int __sizeWaitsFor 0;
  char **c__WaitsFor 0;
};
