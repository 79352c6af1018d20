/**
 * How many delivered inputs of one stream may wait before replicas stop voting for more. A correct participant is at most two
 * messages ahead of a decision, so only a faulty one gets here. Certified inputs are taken beyond it: the bound is on votes.
 */
export const MAX_HELD_PER_STREAM = 256;
