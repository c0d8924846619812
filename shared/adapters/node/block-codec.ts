import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type BlockCodec, BlockFormatError } from '../../format/activity-log/layout.ts';

// Level 1: on the columns of a fleet's blocks higher levels gain a few percent for several times the work.
const LEVEL = 1;

export const zstdBlockCodec: BlockCodec = {
  compress: (bytes) =>
    zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } }),
  decompress: (bytes, maxBytes) => {
    try {
      return zstdDecompressSync(bytes, { maxOutputLength: maxBytes });
    } catch (cause) {
      throw new BlockFormatError(`the rows do not unpack to at most ${maxBytes} bytes`, { cause });
    }
  },
  crc32: (bytes) => crc32(bytes),
};
