package interop;

import javax.xml.ws.WebServiceException;

/** A message that is not what it should be: nothing in it is believed. */
final class Refused extends WebServiceException {
  private static final long serialVersionUID = 1L;

  Refused(String why) {
    super(why);
  }

  Refused(String why, Throwable cause) {
    super(why, cause);
  }
}
