// The tables of a security message as the FlatBuffers compiler generates them for TypeScript, cut to what the ingest
// path reads. Members keep the generator's shape: no base class, objects and the ByteBuffer are reused.
import type { ByteBuffer } from 'flatbuffers';

export class Message {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }

  static getRootAsMessage(bb: ByteBuffer, obj = new Message()): Message {
    return obj.__init(bb.readInt32(bb.position()) + bb.position(), bb);
  }

  securityModuleVersion(): number {
    const offset = this.bb!.__offset(this.bb_pos, 6);
    return offset ? this.bb!.readUint32(this.bb_pos + offset) : 0;
  }

  events(index: number, obj = new Event()): Event | null {
    const offset = this.bb!.__offset(this.bb_pos, 10);
    return offset
      ? obj.__init(
          this.bb!.__indirect(this.bb!.__vector(this.bb_pos + offset) + index * 4),
          this.bb!,
        )
      : null;
  }

  eventsLength(): number {
    const offset = this.bb!.__offset(this.bb_pos, 10);
    return offset ? this.bb!.__vector_len(this.bb_pos + offset) : 0;
  }
}

export class Event {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }

  id(obj = new UUID()): UUID | null {
    const offset = this.bb!.__offset(this.bb_pos, 4);
    return offset ? obj.__init(this.bb_pos + offset, this.bb!) : null;
  }

  time(): number {
    const offset = this.bb!.__offset(this.bb_pos, 6);
    return offset ? this.bb!.readUint32(this.bb_pos + offset) : 0;
  }

  payloadType(): number {
    const offset = this.bb!.__offset(this.bb_pos, 10);
    return offset ? this.bb!.readUint8(this.bb_pos + offset) : 0;
  }

  payload<Table extends { bb: ByteBuffer | null; bb_pos: number }>(obj: Table): Table | null {
    const offset = this.bb!.__offset(this.bb_pos, 12);
    return offset ? (this.bb!.__union(obj as never, this.bb_pos + offset) as never) : null;
  }
}

export class UUID {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }
}

export class NetworkActivity {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }

  ipv4Activity(index: number, obj = new NetworkActivityV4()): NetworkActivityV4 | null {
    const offset = this.bb!.__offset(this.bb_pos, 4);
    return offset
      ? obj.__init(
          this.bb!.__indirect(this.bb!.__vector(this.bb_pos + offset) + index * 4),
          this.bb!,
        )
      : null;
  }

  ipv4ActivityLength(): number {
    const offset = this.bb!.__offset(this.bb_pos, 4);
    return offset ? this.bb!.__vector_len(this.bb_pos + offset) : 0;
  }

  ipv6Activity(index: number, obj = new NetworkActivityV6()): NetworkActivityV6 | null {
    const offset = this.bb!.__offset(this.bb_pos, 6);
    return offset
      ? obj.__init(
          this.bb!.__indirect(this.bb!.__vector(this.bb_pos + offset) + index * 4),
          this.bb!,
        )
      : null;
  }

  ipv6ActivityLength(): number {
    const offset = this.bb!.__offset(this.bb_pos, 6);
    return offset ? this.bb!.__vector_len(this.bb_pos + offset) : 0;
  }
}

export class NetworkActivityV4 {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }

  addresses(obj = new IPv4Addresses()): IPv4Addresses | null {
    const offset = this.bb!.__offset(this.bb_pos, 4);
    return offset ? obj.__init(this.bb_pos + offset, this.bb!) : null;
  }

  common(obj = new NetworkActivityCommon()): NetworkActivityCommon | null {
    const offset = this.bb!.__offset(this.bb_pos, 6);
    return offset ? obj.__init(this.bb!.__indirect(this.bb_pos + offset), this.bb!) : null;
  }
}

export class NetworkActivityV6 {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }

  addresses(obj = new IPv6Addresses()): IPv6Addresses | null {
    const offset = this.bb!.__offset(this.bb_pos, 4);
    return offset ? obj.__init(this.bb_pos + offset, this.bb!) : null;
  }

  common(obj = new NetworkActivityCommon()): NetworkActivityCommon | null {
    const offset = this.bb!.__offset(this.bb_pos, 6);
    return offset ? obj.__init(this.bb!.__indirect(this.bb_pos + offset), this.bb!) : null;
  }
}

export class IPv4Addresses {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }

  localAddress(): number {
    return this.bb!.readUint32(this.bb_pos);
  }

  remoteAddress(): number {
    return this.bb!.readUint32(this.bb_pos + 4);
  }
}

export class IPv6Addresses {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }

  localAddress(index: number): number {
    return this.bb!.readUint32(this.bb_pos + index * 4);
  }

  remoteAddress(index: number): number {
    return this.bb!.readUint32(this.bb_pos + 16 + index * 4);
  }
}

export class NetworkActivityCommon {
  bb: ByteBuffer | null = null;
  bb_pos = 0;

  __init(i: number, bb: ByteBuffer): this {
    this.bb_pos = i;
    this.bb = bb;
    return this;
  }

  localPort(): number {
    const offset = this.bb!.__offset(this.bb_pos, 4);
    return offset ? this.bb!.readUint16(this.bb_pos + offset) : 0;
  }

  remotePort(): number {
    const offset = this.bb!.__offset(this.bb_pos, 6);
    return offset ? this.bb!.readUint16(this.bb_pos + offset) : 0;
  }

  bytesIn(): number {
    const offset = this.bb!.__offset(this.bb_pos, 8);
    return offset ? this.bb!.readUint32(this.bb_pos + offset) : 0;
  }

  bytesOut(): number {
    const offset = this.bb!.__offset(this.bb_pos, 10);
    return offset ? this.bb!.readUint32(this.bb_pos + offset) : 0;
  }

  protocol(): number {
    const offset = this.bb!.__offset(this.bb_pos, 12);
    return offset ? this.bb!.readInt8(this.bb_pos + offset) : 0;
  }
}
