import { ByteWriter } from './byte-writer.ts';
import {
  type BlockHeader,
  type CloseHeader,
  type DataHeader,
  decodeHeader,
  encodeHeader,
} from './header.ts';
import {
  BLOCK_END_MAGIC,
  BLOCK_MAGIC,
  BlockFormatError,
  type BlockCodec,
  CRC_AT,
  FORMAT_VERSION,
  HEADER_LENGTH_AT,
  LENGTH_AT,
  MAX_BLOCK_BYTES,
  MAX_ROWS_BYTES,
  PREFIX_BYTES,
  TRAILER_BYTES,
  VERSION_AT,
} from './layout.ts';
import { ActivityRows } from './rows.ts';

const NO_BODY = new Uint8Array(0);

export type Block =
  | { readonly header: DataHeader; readonly packedRows: Uint8Array; readonly lengthBytes: number }
  | { readonly header: CloseHeader; readonly packedRows: Uint8Array; readonly lengthBytes: number };

export function encodeBlock(
  header: BlockHeader,
  rows: ActivityRows | null,
  codec: BlockCodec,
): Uint8Array {
  const head = encodeHeader(header);
  const body = rows === null ? NO_BODY : codec.compress(encodeRows(rows));
  const length = PREFIX_BYTES + head.length + body.length + TRAILER_BYTES;
  if (length > MAX_BLOCK_BYTES) {
    throw new BlockFormatError(`a block of ${length} bytes exceeds ${MAX_BLOCK_BYTES}`);
  }
  const out = new ByteWriter(length);
  out.u32(BLOCK_MAGIC);
  out.u32(length);
  out.u32(0);
  out.u16(FORMAT_VERSION);
  out.u16(0);
  out.u32(head.length);
  out.raw(head);
  out.raw(body);
  out.u32(length);
  out.u32(BLOCK_END_MAGIC);
  const block = out.written();
  const crc = codec.crc32(block.subarray(VERSION_AT, length - TRAILER_BYTES));
  new DataView(block.buffer, block.byteOffset).setUint32(CRC_AT, crc, true);
  return block;
}

/** What no reader would accept is not written. */
function encodeRows(rows: ActivityRows): Uint8Array {
  const bytes = rows.encode();
  if (bytes.length <= MAX_ROWS_BYTES) return bytes;
  throw new BlockFormatError(`rows of ${bytes.length} bytes exceed ${MAX_ROWS_BYTES}`);
}

/**
 * The block that begins at `offset`, checked against its CRC; its rows stay packed until `readRows`. Null when the bytes
 * end before the block does: the caller reads more. The block views `bytes`, it does not copy them.
 */
export function readBlock(bytes: Uint8Array, offset: number, codec: BlockCodec): Block | null {
  const left = bytes.length - offset;
  if (left < PREFIX_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, left);
  if (view.getUint32(0, true) !== BLOCK_MAGIC) {
    throw new BlockFormatError('the bytes do not begin with the magic of a block');
  }
  const length = view.getUint32(LENGTH_AT, true);
  const headerLength = view.getUint32(HEADER_LENGTH_AT, true);
  if (length > MAX_BLOCK_BYTES || PREFIX_BYTES + headerLength + TRAILER_BYTES > length) {
    throw new BlockFormatError(`a block of ${length} bytes with a header of ${headerLength}`);
  }
  if (length > left) return null;
  if (
    view.getUint32(length - TRAILER_BYTES, true) !== length ||
    view.getUint32(length - 4, true) !== BLOCK_END_MAGIC
  ) {
    throw new BlockFormatError('the trailer of the block does not fit its beginning');
  }
  const block = bytes.subarray(offset, offset + length);
  if (
    codec.crc32(block.subarray(VERSION_AT, length - TRAILER_BYTES)) !== view.getUint32(CRC_AT, true)
  ) {
    throw new BlockFormatError('the checksum of the block is wrong');
  }
  const version = view.getUint16(VERSION_AT, true);
  if (version !== FORMAT_VERSION) {
    throw new BlockFormatError(`format version ${version}; this reader knows ${FORMAT_VERSION}`);
  }
  const headerEnd = PREFIX_BYTES + headerLength;
  return {
    header: decodeHeader(block.subarray(PREFIX_BYTES, headerEnd)),
    packedRows: block.subarray(headerEnd, length - TRAILER_BYTES),
    lengthBytes: length,
  } as Block;
}

export function readRows(block: Block & { header: DataHeader }, codec: BlockCodec): ActivityRows {
  const rows = ActivityRows.decode(codec.decompress(block.packedRows, MAX_ROWS_BYTES));
  const { fromSequence, toSequence } = block.header;
  if (rows.count !== toSequence - fromSequence + 1) {
    throw new BlockFormatError(
      `${rows.count} rows for the sequence numbers ${fromSequence} to ${toSequence}`,
    );
  }
  return rows;
}

/**
 * Where the block that ends at `end` begins, by its trailer: below 0 when `bytes` do not reach back so far, null when they
 * do not even hold the trailer. The trailer is outside the CRC: the block found there must end at `end`.
 */
export function startOfBlockEndingAt(bytes: Uint8Array, end: number): number | null {
  if (end < TRAILER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + end - TRAILER_BYTES, TRAILER_BYTES);
  if (view.getUint32(4, true) !== BLOCK_END_MAGIC) {
    throw new BlockFormatError('the bytes do not end with the magic of a block');
  }
  const length = view.getUint32(0, true);
  if (length > MAX_BLOCK_BYTES || length < PREFIX_BYTES + TRAILER_BYTES) {
    throw new BlockFormatError(`a trailer says that its block has ${length} bytes`);
  }
  return end - length;
}
