import type { Msg, NatsConnection } from "@nats-io/transport-node"

/** So many messages are asked for at a time. */
export const WINDOW = 2_048
const PULL = WINDOW / 2
/** A prime: the server ends a pull without a word if its bytes come out even. */
const PULL_BYTES = 4_194_301
/** What a message may have beside its payload. */
const HEADERS_BYTES_MAX = 65_537
const PULL_EXPIRES_NANOS = 30_000_000_000
const HEARTBEAT_NANOS = 2_000_000_000

/** What it needs of a connection. */
type PullConnection = Pick<NatsConnection, "info" | "publish">

/**
 * What is asked of the consumer: two pulls at most, so that one is served while another is asked for. The server serves them
 * in turn, and says of one that it ends early how much it did not bring.
 */
export class Pulls {
  readonly #connection: PullConnection
  readonly #subject: string
  readonly #inbox: string
  #open = 0
  /** So many pulls ended, one after the other, before a message that was larger than what was left of their bytes. */
  #barren = 0

  constructor(connection: PullConnection, subject: string, inbox: string) {
    this.#connection = connection
    this.#subject = subject
    this.#inbox = inbox
  }

  /** Asks for as much as there is room for. */
  fill(): void {
    while (this.#open <= WINDOW - PULL) {
      const alone = this.#barren >= BARREN_MAX
      if (alone && this.#open > 0) return
      const largest = (this.#connection.info?.max_payload ?? 0) + HEADERS_BYTES_MAX
      this.#pull(alone ? { batch: 1 } : { batch: PULL, max_bytes: Math.max(PULL_BYTES, largest) })
      if (alone) return
    }
  }

  served(): void {
    this.#open--
    this.#barren = 0
  }

  /** The server says that a pull has ended. False if that is no end that another pull would follow. */
  ended(status: Pick<Msg, "headers">): boolean {
    const code = status.headers?.code
    const tooMuch = code === 409 && TOO_MUCH.test(status.headers?.description ?? "")
    if (code !== 408 && !tooMuch) return false
    if (tooMuch) this.#barren++
    this.#open = Math.max(0, this.#open - Number(status.headers?.get("Nats-Pending-Messages") || 0))
    return true
  }

  #pull(wanted: { readonly batch: number; readonly max_bytes?: number }): void {
    this.#open += wanted.batch
    const terms = { ...wanted, expires: PULL_EXPIRES_NANOS, idle_heartbeat: HEARTBEAT_NANOS }
    this.#connection.publish(this.#subject, JSON.stringify(terms), { reply: this.#inbox })
  }
}

/** Two that were half empty, and two that were asked for after them: such a message is asked for alone. */
const BARREN_MAX = 4
/** Of a 409: the next message is larger than what is left of the bytes that were asked for. */
const TOO_MUCH = /exceeds maxbytes/i
