import { hash } from 'node:crypto';
import { CodecError, decode, Writer } from './codec.js';
import type { BroadcastLimits } from './limits.js';
import type { Digest, Request } from './types.js';

const DOMAIN = 'concordat request 1';

/** The bytes that the digest covers and that replicas store and exchange. They name the cluster, so no other cluster accepts them. */
export function encodeRequest(cluster: string, request: Request): Buffer {
  return new Writer()
    .string(DOMAIN)
    .string(cluster)
    .string(request.writer)
    .string(request.stream)
    .u53(request.number)
    .bytes(request.payload)
    .finish();
}

/** @throws CodecError when the bytes are not a request of this cluster */
export function decodeRequest(cluster: string, content: Uint8Array, limits: BroadcastLimits): Request {
  return decode(content, (reader) => {
    if (reader.string(64) !== DOMAIN) throw new CodecError('not a request');
    if (reader.string(256) !== cluster) throw new CodecError('a request of another cluster');
    const writer = reader.string(limits.maxStreamBytes);
    const stream = reader.string(limits.maxStreamBytes);
    const number = reader.u53();
    if (number < 1) throw new CodecError('numbers start at 1');
    return { writer, stream, number, payload: reader.bytes(limits.maxContentBytes) };
  });
}

export const digestOf = (content: Uint8Array): Digest => hash('sha256', content, 'hex') as Digest;

export const requestDigest = (cluster: string, request: Request): Digest => digestOf(encodeRequest(cluster, request));
