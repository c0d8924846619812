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
  OLDEST_VERSION,
  PREFIX_BYTES,
  REMOTES_LENGTH_AT,
  TRAILER_BYTES,
  VERSION_1_PREFIX_BYTES,
  VERSION_AT,
} from './layout.ts';
import { type RemoteAddresses, encodeRemoteAddresses } from './remote-addresses.ts';
import { ActivityRows, type EncodedRows } from './rows.ts';

const NO_BYTES = new Uint8Array(0);

interface BlockOf<Header extends BlockHeader> {
  readonly header: Header;
  /**
   * Still encoded: the remote addresses of the block's connections, those of the whole file in a closing block with a
   * summary. Null: they are not told apart from the rows, as in version 1.
   */
  readonly remotes: Uint8Array | null;
  readonly packedRows: Uint8Array;
  readonly lengthBytes: number;
}

export type DataBlock = BlockOf<DataHeader>;
export type CloseBlock = BlockOf<CloseHeader>;
export type Block = DataBlock | CloseBlock;

export function encodeBlock(header: DataHeader, rows: ActivityRows, codec: BlockCodec): Uint8Array {
  const { columns, remotes } = checked(rows.encode());
  return assemble(header, remotes ?? NO_BYTES, codec.compress(columns), codec);
}

/** `remotes` are those of the whole file; they count where the header has a summary. */
export function encodeClosingBlock(
  header: CloseHeader,
  remotes: RemoteAddresses,
  codec: BlockCodec,
): Uint8Array {
  return assemble(header, encodeRemoteAddresses(remotes), NO_BYTES, codec);
}

/** Of a block that `encodeBlock` has just made. */
export function remotesOfNewBlock(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const from = PREFIX_BYTES + view.getUint32(HEADER_LENGTH_AT, true);
  return bytes.subarray(from, from + view.getUint32(REMOTES_LENGTH_AT, true));
}

function assemble(
  header: BlockHeader,
  remotes: Uint8Array,
  body: Uint8Array,
  codec: BlockCodec,
): Uint8Array {
  const head = encodeHeader(header);
  const length = PREFIX_BYTES + head.length + remotes.length + body.length + TRAILER_BYTES;
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
  out.u32(remotes.length);
  out.raw(head);
  out.raw(remotes);
  out.raw(body);
  out.u32(length);
  out.u32(BLOCK_END_MAGIC);
  const block = out.written();
  const crc = codec.crc32(block.subarray(VERSION_AT, length - TRAILER_BYTES));
  new DataView(block.buffer, block.byteOffset).setUint32(CRC_AT, crc, true);
  return block;
}

/** What no reader would accept is not written. */
function checked(rows: EncodedRows): EncodedRows {
  const { length } = rows.columns;
  if (length <= MAX_ROWS_BYTES) return rows;
  throw new BlockFormatError(`rows of ${length} bytes exceed ${MAX_ROWS_BYTES}`);
}

/**
 * The block that begins at `offset`, checked against its CRC; its rows stay packed until `readRows`. Null when the bytes
 * end before the block does: the caller reads more. The block views `bytes`, it does not copy them.
 */
export function readBlock(bytes: Uint8Array, offset: number, codec: BlockCodec): Block | null {
  const left = bytes.length - offset;
  if (left < VERSION_1_PREFIX_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, left);
  if (view.getUint32(0, true) !== BLOCK_MAGIC) {
    throw new BlockFormatError('the bytes do not begin with the magic of a block');
  }
  const length = view.getUint32(LENGTH_AT, true);
  if (length > MAX_BLOCK_BYTES || length < VERSION_1_PREFIX_BYTES + TRAILER_BYTES) {
    throw new BlockFormatError(`a block of ${length} bytes`);
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
  const { headerFrom, remotesFrom, bodyFrom } = partsOf(view, length);
  const header = decodeHeader(block.subarray(headerFrom, remotesFrom));
  const hasRemotes =
    headerFrom === PREFIX_BYTES && (header.kind === 'data' || header.summary !== null);
  return {
    header,
    remotes: hasRemotes ? block.subarray(remotesFrom, bodyFrom) : null,
    packedRows: block.subarray(bodyFrom, length - TRAILER_BYTES),
    lengthBytes: length,
  } as Block;
}

/** Where the parts of a block of `length` bytes begin. */
function partsOf(view: DataView, length: number) {
  const version = view.getUint16(VERSION_AT, true);
  if (version < OLDEST_VERSION || version > FORMAT_VERSION) {
    throw new BlockFormatError(
      `format version ${version}; this reader knows ${OLDEST_VERSION} and ${FORMAT_VERSION}`,
    );
  }
  const headerFrom = version === 1 ? VERSION_1_PREFIX_BYTES : PREFIX_BYTES;
  const headerLength = view.getUint32(HEADER_LENGTH_AT, true);
  // Of a whole block: what stands here is inside it, though it may be its trailer.
  const remotesLength = version === 1 ? 0 : view.getUint32(REMOTES_LENGTH_AT, true);
  const bodyFrom = headerFrom + headerLength + remotesLength;
  if (bodyFrom + TRAILER_BYTES > length) {
    throw new BlockFormatError(
      `a block of ${length} bytes with a header of ${headerLength} and remote addresses of ${remotesLength}`,
    );
  }
  return { headerFrom, remotesFrom: headerFrom + headerLength, bodyFrom };
}

export function readRows(
  block: Pick<DataBlock, 'header' | 'remotes' | 'packedRows'>,
  codec: BlockCodec,
): ActivityRows {
  const columns = codec.decompress(block.packedRows, MAX_ROWS_BYTES);
  const rows = ActivityRows.decode({ columns, remotes: block.remotes });
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
