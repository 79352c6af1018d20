package interop;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import org.apache.ws.security.components.crypto.Crypto;
import org.apache.ws.security.components.crypto.Merlin;

/** The PEM files of a cluster's directory as WSS4J wants them: our key, the authority, and who the replicas are. */
final class Keys {
  static final String ALIAS = "own";
  static final String PASSWORD = "in memory only";

  final Crypto crypto;
  /** The algorithm that fits our key. */
  final String signatureMethod;
  private final Map<Integer, X509Certificate> replicas = new TreeMap<>();

  Keys(Options options) throws Exception {
    Path keys = options.dir.resolve("keys");
    X509Certificate certificate = certificate(keys.resolve(options.client + ".pem"));
    String type = certificate.getPublicKey().getAlgorithm();
    signatureMethod = type.equals("EC") ? Names.ECDSA_SHA256 : Names.RSA_SHA256;
    PrivateKey key = KeyFactory.getInstance(type).generatePrivate(new PKCS8EncodedKeySpec(der(keys.resolve(options.client + ".key"))));

    Merlin merlin = new Merlin();
    KeyStore own = emptyStore();
    own.setKeyEntry(ALIAS, key, PASSWORD.toCharArray(), new Certificate[] {certificate});
    merlin.setKeyStore(own);
    KeyStore trusted = emptyStore();
    trusted.setCertificateEntry("authority", certificate(options.dir.resolve("ca.pem")));
    merlin.setTrustStore(trusted);
    crypto = merlin;
    for (int id : options.replicas.keySet()) replicas.put(id, certificate(options.dir.resolve("replica-" + id + "/replica.pem")));
  }

  /** The replica that holds the key of this certificate. */
  int replicaOf(X509Certificate certificate) {
    return replicas.entrySet().stream()
        .filter(entry -> entry.getValue().equals(certificate))
        .mapToInt(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(() -> new Refused("the certificate is no replica's"));
  }

  private static KeyStore emptyStore() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static X509Certificate certificate(Path pem) throws Exception {
    try (InputStream in = Files.newInputStream(pem)) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  private static byte[] der(Path pem) throws Exception {
    return Base64.getMimeDecoder().decode(Files.readString(pem).replaceAll("-----[A-Z ]+-----", ""));
  }
}
