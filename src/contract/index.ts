/** What clients and replicas must agree on, beyond the messages: stream names, ids and endpoint addresses. */
export * from './context.js';
export * from './endpoints.js';
export * from './streams.js';
