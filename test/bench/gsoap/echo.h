// The echo service of the bench, for soapcpp2.
#import "wsse.h"
#import "wsa5.h"

//gsoap b service name: bench
//gsoap b service namespace: urn:concordat:bench
//gsoap b schema namespace: urn:concordat:bench
//gsoap b schema elementForm: qualified
//gsoap b service method-action: Echo urn:concordat:bench:Echo
//gsoap b service method-response-action: Echo urn:concordat:bench:EchoResponse
int b__Echo(char *b__text, struct b__EchoResponse { char *b__text; } *response);
