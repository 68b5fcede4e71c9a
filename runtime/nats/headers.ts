import { MsgHdrsImpl } from "@nats-io/transport-node"

/** When a timer is due that the log fires later than that, in milliseconds since 1970. */
export const DUE_HEADER = "Conclave-Due"

/** One header as it goes over the wire. Values hold no line breaks: ids and subjects were checked for them. */
export const line = (name: string, value: string | number): string => `${name}: ${value}\r\n`

/**
 * Headers that were written as text already. The library's own check, sort and join every header of every message, which
 * cost a tenth of a commit.
 */
export class WrittenHeaders extends MsgHdrsImpl {
  readonly #lines: string

  constructor(lines: string) {
    super()
    this.#lines = lines
  }

  override encode(): Uint8Array {
    return Buffer.from(`NATS/1.0\r\n${this.#lines}\r\n`, "utf8")
  }
}
