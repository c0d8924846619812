import { formatIpv4, formatIpv6 } from '../../../../shared/domain/address/address.ts';
import type { ConnectionTable } from '../../../../shared/domain/telemetry/connection-table.ts';
import {
  type Connection,
  type DeviceMessage,
  PROTOCOLS,
} from '../../../../shared/domain/telemetry/device-message.ts';

type Row = Pick<
  Connection,
  | 'localAddress'
  | 'remoteAddress'
  | 'localPort'
  | 'remotePort'
  | 'bytesIn'
  | 'bytesOut'
  | 'protocol'
> & { readonly family: number };

/** The rows of a table from `first` on, in words. */
export function rowsOf(table: ConnectionTable, first = 0): Row[] {
  return Array.from({ length: table.count - first }, (_, i) => {
    const row = first + i;
    const protocol = table.protocol[row]!;
    return {
      family: table.family[row]!,
      localAddress: addressText(table.family[row]!, table.local, row),
      remoteAddress: addressText(table.family[row]!, table.remote, row),
      localPort: table.localPort[row]!,
      remotePort: table.remotePort[row]!,
      bytesIn: table.bytesIn[row]!,
      bytesOut: table.bytesOut[row]!,
      protocol: PROTOCOLS[protocol] ?? protocol,
    };
  });
}

/** The rows that a message must give. */
export function rowsIn(message: DeviceMessage): Row[] {
  return message.events.flatMap((event) => {
    if (event.payloadType !== 'NetworkActivity') return [];
    const { ipv4, ipv6 } = event.payload;
    return [...ipv4.map((flow) => row(flow, 4)), ...ipv6.map((flow) => row(flow, 6))];
  });
}

function row(flow: Connection, family: number): Row {
  const { processId: _p, userId: _u, executable: _e, commandline: _c, ...rest } = flow;
  return { family, ...rest };
}

function addressText(family: number, words: Uint32Array, row: number): string {
  const [w0, w1, w2, w3] = words.subarray(4 * row, 4 * row + 4);
  if (family === 6) return formatIpv6(w0!, w1!, w2!, w3!);
  if (family !== 4 || w1 !== 0 || w2 !== 0 || w3 !== 0)
    throw new Error(`row ${row} is no IPv4 row`);
  return formatIpv4(w0!);
}
