/** A participant with the soap package: replicas post their commands here. */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import soap from 'soap';
import { wsdlOf } from './client.mjs';
import { Refused, verify, WSA } from './wss.mjs';

const OWN = 'urn:example:soap';
const WSBA = 'http://docs.oasis-open.org/ws-tx/wsba/2006/06';
const PORT = 'BusinessAgreementWithCoordinatorCompletionParticipantSoap11Port';
const COMMANDS = ['Complete', 'Close', 'Cancel', 'Compensate', 'Failed', 'Exited', 'NotCompleted'];
const MAX_COMMAND_BYTES = 1_048_576;

/** Obeys a command when f + 1 replicas have sent the same: at least one of them is honest. */
export class Participant {
  /** Command and MessageID → the replicas that sent it. A real participant keeps this on disk before it answers. */
  #votes = new Map();
  #waiting = new Map();
  #soap;
  #http;

  static async listen(cluster, order, port) {
    const participant = new Participant(cluster, order, `http://127.0.0.1:${port}/participant`);
    await participant.#start(port);
    return participant;
  }

  constructor(cluster, order, url) {
    this.cluster = cluster;
    this.order = order;
    this.url = url;
  }

  /** The endpoint reference to register. Its reference parameter comes back as a header of every command. */
  reference() {
    return { Address: this.url, ReferenceParameters: { $xml: `<o:Order xmlns:o="${OWN}">${this.order}</o:Order>` } };
  }

  /** Resolves when enough replicas have sent the command. */
  told(command) {
    return new Promise((resolve) => {
      this.#waiting.set(command, resolve);
      this.#tellOf(command);
    });
  }

  close() {
    this.#http.close();
    this.#http.closeAllConnections();
  }

  async #start(port) {
    this.#soap = await soap.createServerless({
      path: '/participant',
      services: { ParticipantService: { [PORT]: this.#operations() } },
      uri: wsdlOf('participant'),
      xml: description(),
      oneWay: { responseCode: 202 },
    });
    // In front of soap's server, which believes what it is sent: only verified messages get there.
    this.#http = createServer((request, response) => {
      this.#take(request).then(
        (status) => response.writeHead(status).end(),
        () => response.writeHead(400).end(),
      );
    });
    await new Promise((resolve) => this.#http.listen(port, '127.0.0.1', resolve));
  }

  /** @returns an HTTP status; after 202 a replica does not send the command again */
  async #take(request) {
    const raw = await bodyOf(request);
    const message = verify(raw, this.cluster);
    // A Fault or Status is one replica's opinion, and commands nothing.
    if (!COMMANDS.includes(message.content.localName)) return 202;
    const command = this.#checked(message);
    const { headers } = request;
    const { statusCode } = await this.#soap.processRequest(raw, { url: '/participant', headers, connection: command });
    return statusCode;
  }

  #checked({ replica, blocks, content }) {
    const header = (ns, name) => {
      const found = blocks.filter((block) => block.namespaceURI === ns && block.localName === name);
      return found.length === 1 ? found[0].textContent : undefined;
    };
    const action = `${WSBA}/${content.localName}`;
    if (content.namespaceURI !== WSBA || header(WSA, 'Action') !== action) throw new Refused('wsa:Action does not fit');
    if (header(WSA, 'To') !== this.url || header(OWN, 'Order') !== this.order) throw new Refused('about something else');
    return { replica, messageId: header(WSA, 'MessageID') };
  }

  /** One operation for each command. soap calls it with the request; `connection` is who is at the other end. */
  #operations() {
    const obey = (command) => (_args, _callback, _headers, request) => {
      const { replica, messageId } = request.connection;
      const subject = `${command} ${messageId}`;
      this.#votes.set(subject, (this.#votes.get(subject) ?? new Set()).add(replica));
      this.#tellOf(command);
    };
    const nameOf = (command) => (command === 'NotCompleted' ? command : `${command}Operation`);
    return Object.fromEntries(COMMANDS.map((command) => [nameOf(command), obey(command)]));
  }

  #tellOf(command) {
    const enough = [...this.#votes].some(([subject, { size }]) => subject.startsWith(`${command} `) && size > this.cluster.f);
    if (enough) this.#waiting.get(command)?.();
  }
}

/** soap chooses a port by its path, so the one that is served must be the only one at that path. */
function description() {
  const location = /location="http:\/\/localhost\/participant"/;
  const xml = readFileSync(wsdlOf('participant'), 'utf8');
  return xml.replace(/<wsdl:port name="(\w+)"[^]*?<\/wsdl:port>/g, (port, name) =>
    name === PORT ? port : port.replace(location, 'location="http://localhost/not-served"'),
  );
}

async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_COMMAND_BYTES) throw new Refused('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
