/** Who plays in the demo, as data: the airline and the hotel are one program with two of these configurations. */

export const PROVIDER_ROLES = ['airline', 'hotel'] as const;
export type ProviderRole = (typeof PROVIDER_ROLES)[number];

export interface ProviderConfig {
  readonly role: ProviderRole;
  /** The name of the invitation under which the agency brings it into an activity (WS-BA-I matchcode). */
  readonly matchcode: string;
  /** What it sells, what people call it, and how many of each there are in a new database. */
  readonly items: readonly { readonly item: string; readonly label: string; readonly stock: number }[];
}

export const PROVIDERS: Readonly<Record<ProviderRole, ProviderConfig>> = {
  airline: {
    role: 'airline',
    matchcode: 'flight',
    items: [
      { item: 'seat VIE-LIS', label: 'Vienna to Lisbon', stock: 20 },
      { item: 'seat VIE-ATH', label: 'Vienna to Athens', stock: 20 },
      { item: 'seat VIE-CPH', label: 'Vienna to Copenhagen', stock: 20 },
    ],
  },
  hotel: {
    role: 'hotel',
    matchcode: 'room',
    items: [
      { item: 'room Lisboa', label: 'Room in Lisbon', stock: 20 },
      { item: 'room Athina', label: 'Room in Athens', stock: 20 },
      { item: 'room København', label: 'Room in Copenhagen', stock: 20 },
    ],
  },
};

/** What a customer of the agency asks for: one item of each provider. */
export interface Trip {
  readonly customer: string;
  readonly items: Readonly<Record<ProviderRole, string>>;
}

/** The usual trip: the one that the scenarios book. */
export const USUAL = { airline: 'seat VIE-LIS', hotel: 'room Lisboa' } as const;
export const trip = (customer: string): Trip => ({ customer, items: USUAL });

/** Clients whose keys the demo's cluster has, beside the operator; names of files below `keys`. */
export const CLIENTS = [
  { name: 'agency', roles: ['initiator', 'operator'] },
  { name: 'airline', roles: ['participant'] },
  { name: 'hotel', roles: ['participant'] },
] as const;
