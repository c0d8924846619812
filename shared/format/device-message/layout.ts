// The agent's FlatBuffers schema 2.0 to 2.3: what stands where.
//
//   body    u32 offset of the Message table, then tables, vectors and strings in any order
//   table   i32 distance back to its vtable (negative: the vtable lies behind), then its fields
//   vtable  u16 own size, u16 table size, then per slot a u16: where the field lies in the table, 0 if absent
//   vector  u32 count, then the elements: u32 offsets of tables, or structs inline
//   string  u32 byte length, the bytes, NUL
//
// An offset counts from the byte it stands at and leads forward. Numbers are little endian; addresses are plain bytes.

export const OFFSET_BYTES = 4;
const VTABLE_HEADER_BYTES = 4;

/** Where slot `n` stands in a vtable. */
function slot(n: number): number {
  return VTABLE_HEADER_BYTES + 2 * n;
}

// The tables of every message, by slot. The hot path (read-connections.ts) checks them with code of its own.

export const IPV4_BYTES = 4;
export const IPV6_BYTES = 16;

export const MESSAGE = {
  id: slot(0), // text, required
  version: slot(1), // u32
  timezone: slot(2), // i8
  events: slot(3), // vector of EVENT, required
} as const;

export const EVENT = {
  id: slot(0), // 16 bytes inline, required
  time: slot(1), // u32
  interval: slot(2), // u32
  payloadType: slot(3), // u8, a TAG
  payload: slot(4), // table, required
} as const;
export const EVENT_LEAST_BYTES = 32;

/** Payload union tags; 0 is NONE. The agent's RTOS build sends 1, 2 and 4 only. */
export const TAG = {
  networkActivity: 1,
  systemInformation: 2,
  listeningPorts: 3,
  heartbeat: 4,
  baseline: 5,
  process: 6,
  log: 7,
} as const;

export const NETWORK_ACTIVITY = {
  ipv4: slot(0), // vector of FLOW
  ipv6: slot(1), // vector of FLOW
} as const;

export const FLOW = {
  addresses: slot(0), // local, then remote, inline, required
  common: slot(1), // table FLOW_COMMON, required
} as const;
export const IPV4_FLOW_LEAST_BYTES = 20;
export const IPV6_FLOW_LEAST_BYTES = 44;

// All other tables are checked by rote.

export interface TableLayout<Name extends string = string> {
  readonly slot: Readonly<Record<Name, number>>;
  readonly fields: readonly TableField[];
}

interface TableField {
  readonly slot: number;
  readonly bytes: number;
  readonly isText: boolean;
  readonly isRequired: boolean;
  readonly vector: VectorLayout | null;
}

export interface VectorLayout {
  readonly elementBytes: number;
  /** What an element takes at least when it is stored for itself; the budget charges it. */
  readonly leastBytes: number;
  /** Null: the elements are structs. */
  readonly row: TableLayout | null;
}

type FieldKind = 'text' | 'requiredText' | VectorLayout | 1 | 2 | 4 | 8;

/** Fields stand in slot order; a number is the width of a scalar. */
function layout<const Name extends string>(
  kinds: Readonly<Record<Name, FieldKind>>,
): TableLayout<Name> {
  const names = Object.keys(kinds) as Name[];
  const fields = names.map((name, n) => {
    const kind: FieldKind = kinds[name];
    return {
      slot: slot(n),
      bytes: typeof kind === 'number' ? kind : OFFSET_BYTES,
      isText: kind === 'text' || kind === 'requiredText',
      isRequired: kind === 'requiredText',
      vector: typeof kind === 'object' ? kind : null,
    };
  });
  const slots = Object.fromEntries(names.map((name, n) => [name, slot(n)]));
  return { slot: slots as Record<Name, number>, fields };
}

function tablesOf(row: TableLayout, leastBytes: number): VectorLayout {
  return { elementBytes: OFFSET_BYTES, leastBytes, row };
}

function structsOf(bytes: number): VectorLayout {
  return { elementBytes: bytes, leastBytes: bytes, row: null };
}

/** What both families share. The RTOS agent never writes the last four. */
export const FLOW_COMMON = layout({
  localPort: 2,
  remotePort: 2,
  bytesIn: 4,
  bytesOut: 4,
  protocol: 1,
  processId: 2,
  userId: 2,
  executable: 'text',
  commandline: 'text',
});

export const SYSTEM_INFORMATION = layout({ osInfo: 'text', kernelInfo: 'text', hwInfo: 'text' });

/** The structs hold the address, u16 port, i8 protocol and a pad byte. */
export const LISTENING_IPV4_BYTES = 8;
export const LISTENING_IPV6_BYTES = 20;
export const LISTENING_PORTS = layout({
  ipv4: structsOf(LISTENING_IPV4_BYTES),
  ipv6: structsOf(LISTENING_IPV6_BYTES),
});

export const BASELINE_CHECK = layout({
  id: 'requiredText',
  result: 1,
  error: 'text',
  description: 'text',
  severity: 1,
  remediation: 'text',
});
export const BASELINE = layout({ checks: tablesOf(BASELINE_CHECK, 12) });

export const PROCESS = layout({
  executable: 'text',
  processId: 4,
  parentProcessId: 4,
  userId: 4,
  userName: 'text',
  commandline: 'text',
  eventType: 1,
  hitCount: 4, // default 1
});

export const LOG_RECORD = layout({
  message: 'requiredText',
  level: 1,
  timestamp: 8,
  line: 4,
  filename: 'requiredText',
});
export const LOG = layout({ records: tablesOf(LOG_RECORD, 16) });
