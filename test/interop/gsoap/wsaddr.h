// WS-Addressing for wsdl2h, in place of gSOAP's wsa5.h, where reference parameters are XML texts that one would have to parse. What
// replicas put there has members here.
//gsoap wsaddr schema namespace: http://www.w3.org/2005/08/addressing
//gsoap wsaddr schema form: qualified
//gsoap c schema namespace: urn:concordat:2026:coordination
//gsoap o schema namespace: urn:example:gsoap

struct wsaddr__ReferenceParametersType
{
  char *c__Activity 0;
  char *c__Invitation 0;
  char *c__Participant 0;
  char *o__Order 0;
};

struct wsaddr__EndpointReferenceType
{
  char *Address 1;
  struct wsaddr__ReferenceParametersType *ReferenceParameters 0;
};

typedef struct wsaddr__EndpointReferenceType wsaddr__EndpointReferenceType;

// A reference parameter as a header block.
struct wsaddr__ReferenceParameter
{
  char *__item;
  @char *wsaddr__IsReferenceParameter 0;
};

mutable struct SOAP_ENV__Header
{
  char *wsaddr__To 0;
  char *wsaddr__Action 0;
  char *wsaddr__MessageID 0;
  struct wsaddr__EndpointReferenceType *wsaddr__ReplyTo 0;
  struct wsaddr__ReferenceParameter *c__Activity 0;
  struct wsaddr__ReferenceParameter *c__Invitation 0;
  struct wsaddr__ReferenceParameter *c__Participant 0;
};
