/** Names that commands use: few, so that what they do meets. */
export const ACTIVITIES = ['A', 'B'] as const;
export type Slot = (typeof ACTIVITIES)[number];
export const GUESTS = ['P1', 'P2', 'P3', 'P4'] as const;
export type Guest = (typeof GUESTS)[number];
export const MATCHCODES = ['m1', 'm2'] as const;
export type Matchcode = (typeof MATCHCODES)[number];
