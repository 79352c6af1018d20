/** Who plays in the demo, as data: the airline and the hotel are one program with two of these configurations. */

export const PROVIDER_ROLES = ['airline', 'hotel'] as const;
export type ProviderRole = (typeof PROVIDER_ROLES)[number];

export const isProviderRole = (text: string): text is ProviderRole => PROVIDER_ROLES.some((role) => role === text);

export interface ProviderConfig {
  readonly role: ProviderRole;
  /** The name of the invitation under which the agency brings it into an activity (WS-BA-I matchcode). */
  readonly matchcode: string;
  /** What it sells, and how many of each there are in a new database. */
  readonly items: readonly { readonly item: string; readonly stock: number }[];
}

export const PROVIDERS: Readonly<Record<ProviderRole, ProviderConfig>> = {
  airline: { role: 'airline', matchcode: 'flight', items: [{ item: 'seat VIE-LIS', stock: 20 }] },
  hotel: { role: 'hotel', matchcode: 'room', items: [{ item: 'room Lisboa', stock: 20 }] },
};

/** What a customer of the agency asks for: one item of each provider. */
export interface Trip {
  readonly customer: string;
  readonly items: Readonly<Record<ProviderRole, string>>;
}

/** The trip that the demo books. */
export const trip = (customer: string): Trip => ({
  customer,
  items: { airline: 'seat VIE-LIS', hotel: 'room Lisboa' },
});

/** Clients whose keys the demo's cluster has, beside the operator; names of files below `keys`. */
export const CLIENTS = [
  { name: 'agency', roles: ['initiator'] },
  { name: 'airline', roles: ['participant'] },
  { name: 'hotel', roles: ['participant'] },
] as const;
