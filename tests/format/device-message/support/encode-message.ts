// An encoder for whole messages, over the public FlatBuffers library: the other side of what the decoders read.
import { Builder, type Offset } from 'flatbuffers';
import { parseAddress } from '../../../../shared/domain/address/address.ts';
import {
  CHECK_RESULTS,
  CHECK_SEVERITIES,
  type Connection,
  type DeviceMessage,
  type EventPayload,
  type ListeningPort,
  LOG_LEVELS,
  PROCESS_EVENTS,
  PROTOCOLS,
  type ReportedEvent,
} from '../../../../shared/domain/telemetry/device-message.ts';

export interface EncodeOptions {
  /** Writes scalars that equal their default instead of leaving them out. */
  readonly forceDefaults?: boolean;
  /** Equal strings are stored once. */
  readonly shareStrings?: boolean;
  /** Equal tables below an event are stored once. */
  readonly shareTables?: boolean;
  /** Leaves empty vectors out instead of writing a count of 0. */
  readonly omitEmpty?: boolean;
}

const PAYLOAD_TAGS = {
  NetworkActivity: 1,
  SystemInformation: 2,
  ListeningPorts: 3,
  Heartbeat: 4,
  Baseline: 5,
  Process: 6,
  Log: 7,
} as const;

export function encodeMessage(message: DeviceMessage, options: EncodeOptions = {}): Uint8Array {
  return new MessageEncoder(options).encode(message);
}

class MessageEncoder {
  readonly #builder = new Builder(1024);
  readonly #options: EncodeOptions;
  readonly #tables = new Map<string, Offset>();

  constructor(options: EncodeOptions) {
    this.#options = options;
    this.#builder.forceDefaults(options.forceDefaults ?? false);
  }

  encode(message: DeviceMessage): Uint8Array {
    const builder = this.#builder;
    const id = this.#text(message.securityModuleId);
    const events = this.#offsets(message.events.map((event) => this.#event(event)));
    builder.startObject(4);
    builder.addFieldOffset(0, id, 0);
    builder.addFieldInt32(1, message.securityModuleVersion | 0, 0);
    builder.addFieldInt8(2, message.timezone, 0);
    builder.addFieldOffset(3, events, 0);
    builder.finish(builder.endObject());
    return builder.asUint8Array().slice();
  }

  #event(event: ReportedEvent): Offset {
    const builder = this.#builder;
    const payload = this.#shared(event, () => this.#payload(event));
    builder.startObject(5);
    const id = Uint8Array.from(Buffer.from(event.id.replaceAll('-', ''), 'hex'));
    this.#inline(1, id);
    builder.addFieldStruct(0, builder.offset(), 0);
    builder.addFieldInt32(1, event.time | 0, 0);
    builder.addFieldInt32(2, event.collectionInterval | 0, 0);
    const tag =
      typeof event.payloadType === 'number' ? event.payloadType : PAYLOAD_TAGS[event.payloadType];
    builder.addFieldInt8(3, (tag << 24) >> 24, 0);
    builder.addFieldOffset(4, payload, 0);
    return builder.endObject();
  }

  #payload(event: EventPayload): Offset {
    const builder = this.#builder;
    switch (event.payloadType) {
      case 'NetworkActivity':
        return this.#vectors(
          event.payload.ipv4.map((flow) => this.#flow(flow, 4)),
          event.payload.ipv6.map((flow) => this.#flow(flow, 16)),
        );
      case 'SystemInformation': {
        const { osInfo, kernelInfo, hwInfo } = event.payload;
        return this.#table(
          3,
          [osInfo, kernelInfo, hwInfo].map((text) => this.#optionalText(text)),
        );
      }
      case 'ListeningPorts': {
        const ipv4 = this.#structs(event.payload.ipv4, 4);
        const ipv6 = this.#structs(event.payload.ipv6, 16);
        return this.#table(2, [ipv4, ipv6]);
      }
      case 'Baseline':
        return this.#vectors(
          event.payload.checks.map((check) => {
            const texts = [check.id, null, check.error, check.description, null, check.remediation];
            const offsets = texts.map((text) => this.#optionalText(text));
            return this.#table(6, offsets, () => {
              builder.addFieldInt8(1, code(CHECK_RESULTS, check.result), 0);
              builder.addFieldInt8(4, code(CHECK_SEVERITIES, check.severity), 0);
            });
          }),
        );
      case 'Process': {
        const process = event.payload;
        const texts = [process.executable, null, null, null, process.userName, process.commandline];
        const offsets = texts.map((text) => this.#optionalText(text));
        return this.#table(8, offsets, () => {
          builder.addFieldInt32(1, process.processId | 0, 0);
          builder.addFieldInt32(2, process.parentProcessId | 0, 0);
          builder.addFieldInt32(3, process.userId | 0, 0);
          builder.addFieldInt8(6, code(PROCESS_EVENTS, process.eventType), 0);
          builder.addFieldInt32(7, process.hitCount | 0, 1);
        });
      }
      case 'Log':
        return this.#vectors(
          event.payload.records.map((record) => {
            const texts = [record.message, null, null, null, record.filename];
            const offsets = texts.map((text) => this.#optionalText(text));
            return this.#table(5, offsets, () => {
              builder.addFieldInt8(1, code(LOG_LEVELS, record.level), 0);
              builder.addFieldInt64(2, BigInt.asIntN(64, BigInt(record.timestamp)), 0n);
              builder.addFieldInt32(3, record.line | 0, 0);
            });
          }),
        );
      default:
        return this.#table(0, []);
    }
  }

  #flow(flow: Connection, addressBytes: 4 | 16): Offset {
    return this.#shared(flow, () => {
      const builder = this.#builder;
      const { localAddress: _l, remoteAddress: _r, ...rest } = flow;
      const common = this.#shared(rest, () => {
        const texts = [flow.executable, flow.commandline].map((text) => this.#optionalText(text));
        return this.#table(9, [0, 0, 0, 0, 0, 0, 0, ...texts], () => {
          builder.addFieldInt16(0, (flow.localPort << 16) >> 16, 0);
          builder.addFieldInt16(1, (flow.remotePort << 16) >> 16, 0);
          builder.addFieldInt32(2, flow.bytesIn | 0, 0);
          builder.addFieldInt32(3, flow.bytesOut | 0, 0);
          builder.addFieldInt8(4, code(PROTOCOLS, flow.protocol), 0);
          builder.addFieldInt16(5, (flow.processId << 16) >> 16, 0);
          builder.addFieldInt16(6, (flow.userId << 16) >> 16, 0);
        });
      });
      builder.startObject(2);
      const local = addressBytesOf(flow.localAddress, addressBytes);
      const remote = addressBytesOf(flow.remoteAddress, addressBytes);
      this.#inline(4, Uint8Array.from([...local, ...remote]));
      builder.addFieldStruct(0, builder.offset(), 0);
      builder.addFieldOffset(1, common, 0);
      return builder.endObject();
    });
  }

  /** A table of offsets (0: left out); `scalars` adds the rest. */
  #table(slots: number, offsets: readonly Offset[], scalars?: () => void): Offset {
    const builder = this.#builder;
    builder.startObject(slots);
    scalars?.();
    for (const [slot, offset] of offsets.entries()) {
      if (offset !== 0) builder.addFieldOffset(slot, offset, 0);
    }
    return builder.endObject();
  }

  #vectors(...lists: readonly (readonly Offset[])[]): Offset {
    const vectors = lists.map((list) =>
      list.length === 0 && this.#options.omitEmpty ? 0 : this.#offsets(list),
    );
    return this.#table(lists.length, vectors);
  }

  #offsets(offsets: readonly Offset[]): Offset {
    const builder = this.#builder;
    builder.startVector(4, offsets.length, 4);
    for (const offset of offsets.toReversed()) builder.addOffset(offset);
    return builder.endVector();
  }

  #structs(ports: readonly ListeningPort[], addressBytes: 4 | 16): Offset {
    if (ports.length === 0 && this.#options.omitEmpty) return 0;
    const builder = this.#builder;
    builder.startVector(addressBytes + 4, ports.length, 4);
    for (const port of ports.toReversed()) {
      const { localPort, localAddress } = port;
      const tail = [localPort & 0xff, localPort >> 8, code(PROTOCOLS, port.protocol), 0];
      this.#inline(4, Uint8Array.from([...addressBytesOf(localAddress, addressBytes), ...tail]));
    }
    return builder.endVector();
  }

  #inline(alignment: number, bytes: Uint8Array): void {
    this.#builder.prep(alignment, bytes.length);
    for (const byte of bytes.toReversed()) this.#builder.writeInt8(byte);
  }

  #optionalText(text: string | null): Offset {
    return text === null ? 0 : this.#text(text);
  }

  #text(text: string): Offset {
    // The library's createSharedString writes nothing for ''.
    return this.#options.shareStrings && text !== ''
      ? this.#builder.createSharedString(text)
      : this.#builder.createString(text);
  }

  #shared(value: unknown, build: () => Offset): Offset {
    if (!this.#options.shareTables) return build();
    const key = JSON.stringify(value);
    const offset = this.#tables.get(key) ?? build();
    this.#tables.set(key, offset);
    return offset;
  }
}

function code(names: readonly string[], value: string | number): number {
  return typeof value === 'number' ? value : names.indexOf(value);
}

function addressBytesOf(text: string, bytes: 4 | 16): Uint8Array {
  const address = parseAddress(text);
  if (address === null) throw new Error(`not an address: ${text}`);
  const view = new DataView(new ArrayBuffer(16));
  for (const [i, word] of address.words.entries()) view.setUint32(4 * i, word);
  return new Uint8Array(view.buffer, 0, bytes);
}
