import { Schema } from "effect"

/** What goes over a door, both ways: JSON, and texts beside it that are not quoted once more. */
export interface Frame {
  readonly head: unknown
  readonly parts: ReadonlyArray<string>
}

/** As many parts as the largest group has messages, and a page. */
const PARTS_MAX = 1_024

const Opening = Schema.fromJsonString(
  Schema.Struct({
    sizes: Schema.Array(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))).check(Schema.isMaxLength(PARTS_MAX)),
    head: Schema.Unknown
  })
)
const decodeOpening = Schema.decodeUnknownSync(Opening)
const encodeOpening = Schema.encodeSync(Opening)
const LINE_END = 10

/** The JSON in one line, with the sizes of the parts in bytes, and then the parts. */
export const writeFrame = ({ head, parts }: Frame): Uint8Array => {
  const buffers = parts.map((part) => Buffer.from(part, "utf8"))
  const opening = encodeOpening({ sizes: buffers.map(({ length }) => length), head })
  return Buffer.concat([Buffer.from(`${opening}\n`, "utf8"), ...buffers])
}

/** Throws for what is no frame. */
export const readFrame = (bytes: Uint8Array): Frame => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = buffer.indexOf(LINE_END)
  if (end < 0) throw new Error("it has no first line")
  const { sizes, head } = decodeOpening(buffer.toString("utf8", 0, end))
  let at = end + 1
  const parts = sizes.map((size) => {
    const part = buffer.toString("utf8", at, at + size)
    at += size
    return part
  })
  if (at !== buffer.length) throw new Error("its sizes are not those of what follows")
  return { head, parts }
}
