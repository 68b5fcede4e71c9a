// Bytes to text: what is packed is unpacked, and the encoding is found out.
import { createGunzip } from "node:zlib"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, Stream } from "effect"
import { fault, type MarketDataError } from "./errors.ts"

/** The bytes of a file. It can be read more than once. */
export type Bytes<E> = Stream.Stream<Uint8Array, E>

const HEAD_BYTES = 64 * 1024

/** What other files begin with, and what is to be done with them. */
const OTHERS: ReadonlyArray<readonly [start: string, what: string]> = [
  ["PK\u0003\u0004", "a zip archive or a workbook of a spreadsheet: unpack it, or save the sheet as CSV"],
  ["\u00d0\u00cf\u0011\u00e0", "a workbook of a spreadsheet: save the sheet as CSV"],
  ["\u0028\u00b5\u002f\u00fd", "packed with zstd: unpack it"],
  ["BZh", "packed with bzip2: unpack it"],
  ["\u00fd7zXZ", "packed with xz: unpack it"],
  ["PAR1", "a Parquet file: write it as CSV"],
  ["%PDF", "a PDF: what is read is CSV or JSON lines"]
]

const startsWith = (head: Uint8Array, start: string): boolean =>
  head.length >= start.length && [...start].every((each, at) => head[at] === each.charCodeAt(0))

const isGzip = (head: Uint8Array): boolean => head[0] === 0x1f && head[1] === 0x8b

/** The encoding of a text by its first bytes. */
export const encodingOf = (head: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | "windows-1252" => {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le"
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be"
  // Digits and commas have a zero beside them in UTF-16, always on the same side.
  const pairs = Math.min(head.length >> 1, 512)
  let [even, odd] = [0, 0]
  for (let pair = 0; pair < pairs; pair++) {
    if (head[2 * pair] === 0) even++
    if (head[2 * pair + 1] === 0) odd++
  }
  if (pairs > 4 && odd > pairs * 0.8 && even === 0) return "utf-16le"
  if (pairs > 4 && even > pairs * 0.8 && odd === 0) return "utf-16be"
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true })
    return "utf-8"
  } catch {
    return "windows-1252"
  }
}

/** The first bytes of a stream, `HEAD_BYTES` or a little more; all of it where it is shorter. */
const headOf = <E>(bytes: Bytes<E>, most: number) =>
  Effect.suspend(() => {
    const parts: Array<Uint8Array> = []
    let size = 0
    return bytes.pipe(
      Stream.runForEachWhile((part) =>
        Effect.sync(() => {
          parts.push(part)
          size += part.length
          return size < most
        })
      ),
      Effect.as(parts),
      Effect.map((all) => Buffer.concat(all))
    )
  })

const unpacked = <E>(bytes: Bytes<E>): Bytes<E | MarketDataError> =>
  bytes.pipe(
    NodeStream.pipeThroughDuplex({
      evaluate: () => createGunzip(),
      onError: () => fault("what is packed with gzip is damaged or cut short")
    })
  )

/**
 * The text of a file, in pieces: UTF-8, UTF-16 with or without a byte order mark, or Windows-1252 where it is none of them; unpacked where it is
 * packed with gzip. Fails with what it is where it is another kind of file.
 */
export const openText = <E>(
  bytes: Bytes<E>
): Effect.Effect<Stream.Stream<string, E | MarketDataError>, E | MarketDataError> =>
  Effect.gen(function* () {
    const packed = isGzip(yield* headOf(bytes, 2))
    const plain = packed ? unpacked(bytes) : bytes
    const head = yield* headOf(plain, HEAD_BYTES)
    const other = OTHERS.find(([start]) => startsWith(head, start))
    if (other !== undefined) return yield* fault(`it is ${other[1]}`)
    const encoding = encodingOf(head)
    return Stream.suspend(() => {
      const decoder = new TextDecoder(encoding)
      const rest = Stream.fromEffect(Effect.sync(() => decoder.decode()))
      return plain.pipe(
        Stream.map((part) => decoder.decode(part, { stream: true })),
        Stream.concat(rest)
      )
    })
  })
