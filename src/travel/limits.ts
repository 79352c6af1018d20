/** Bounds and intervals of the demo, in one place. Times in milliseconds. */
export const TRAVEL_LIMITS = {
  /** Characters of a customer's name, of an item and of a booking's id. */
  text: 100,
  /** Bytes of a request to a desk. */
  deskBytes: 16_384,
  /** Connections at a desk at once. */
  deskConnections: 64,
  /** Bookings that an agency works on at once; one more is refused as Busy. */
  openBookings: 64,
  /** Bookings, and events of a booking, in one answer of a desk. */
  listed: 200,
  /** A call of a provider by the agency, from signing to the verified answer. */
  callMs: 10_000,
  /** Pause before the agency tries a step again that failed for a reason that may pass: the first, and the longest. */
  retryMinMs: 100,
  retryMaxMs: 2_000,
  /** How long a booking that is not decided yet bears failures that may pass. */
  patienceMs: 60_000,
  /** One wait for the participants of an activity to get somewhere, before it is looked at afresh. */
  waitMs: 15_000,
  /** Pause between two looks at the participants of an activity. */
  pollMs: 50,
  /** How long a booking may take before the cluster ends it by itself (wscoor:Expires). */
  expiresMs: 15 * 60_000,
  /** How long SQLite waits for another process's read or write of the same file. */
  databaseBusyMs: 5_000,
  /** From the start of a part to its ready line. */
  startMs: 60_000,
  /** From SIGTERM to SIGKILL. */
  stopMs: 5_000,
  /** How long a scenario waits for one thing to come true. */
  scenarioMs: 30_000,
  /** Pause between two looks at a database or at the cluster. */
  lookMs: 30,
  /** Pause between two questions of the page to a replica or a desk while somebody watches, and while nobody does. */
  watchedMs: 500,
  unwatchedMs: 10_000,
  /** How long the page waits for the answer of a replica or a desk before it says that there is none. */
  askMs: 2_000,
  /** How long the page waits for the demo to start or stop a replica. */
  controlMs: 75_000,
  /** Pause in which changes are gathered before watchers are told. */
  gatherMs: 100,
  /** Connections to the page at once. */
  pageConnections: 128,
  /** Browsers that may watch the page at once. */
  watchers: 16,
  /** Bytes that may wait for a browser that reads too slowly, before it is cut off. */
  watcherBytes: 1_048_576,
  /** Between two signs of life to a watching browser. */
  heartbeatMs: 10_000,
  /** Bookings on the page, and activities that replicas are asked for. */
  shownTrips: 20,
  /** Lines of a timeline on the page. */
  shownLines: 200,
  /** Proofs against one replica on the page, and proofs of one replica's answer that the page looks at. */
  shownProofs: 3,
  readProofs: 20,
  /** Characters that the page shows of a signed statement. */
  shownStatement: 1_500,
  /** Characters of one text, and items of one list, in an answer to the page. */
  answerText: 2_000,
  answerItems: 2_000,
} as const;
