import { Backoff } from "./backoff.ts"
import type { Incoming, State } from "./events.ts"

export interface LinkOptions {
  readonly url: string
  /** The subprotocols to offer in the next handshake. */
  readonly protocols: () => ReadonlyArray<string> | Promise<ReadonlyArray<string>>
  /** The shortest and longest time to wait before a connection is tried again, in milliseconds. */
  readonly backoffMillis: readonly [least: number, most: number]
  readonly onState: (state: State, reason: string) => void
  readonly onFrame: (frame: Incoming) => void
  /** The connection is down: what was asked over it is not answered. */
  readonly onDown: () => void
}

/** A peer that says nothing for so long, though it was asked to, is gone. */
const SILENCE_MILLIS = 30_000
const QUESTION_AFTER_MILLIS = 15_000
/** A connection that lasts so long was a success, also where nothing was asked over it. */
const STEADY_MILLIS = 30_000

/**
 * A WebSocket that comes back.
 *
 * After a drop it waits for a random time, of which the longest doubles with each try that fails, so that the clients of
 * a gateway that stopped do not come back all at once. To be let in is no success: it may be refused all else. If the gateway said when to come back, that is added.
 */
export class Link {
  readonly #options: LinkOptions
  #socket: WebSocket | undefined
  readonly #backoff: Backoff
  #retryAfterMillis = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #watch: ReturnType<typeof setInterval> | undefined
  #heardAt = 0
  #openedAt = 0
  #closed = false
  /** Counts tries: a handshake that was being prepared for an earlier one is not begun. */
  #tries = 0

  constructor(options: LinkOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.backoffMillis)
  }

  open(): void {
    if (this.#closed) return
    const tried = ++this.#tries
    this.#options.onState("connecting", "")
    const protocols = this.#options.protocols()
    if (!(protocols instanceof Promise)) return this.#connect(protocols)
    protocols
      .then((found) => {
        if (!this.#closed && tried === this.#tries) this.#connect(found)
      })
      .catch((error) => this.close(String(error)))
  }

  #connect(protocols: ReadonlyArray<string>): void {
    const socket = new WebSocket(this.#options.url, [...protocols])
    this.#socket = socket
    this.#heardAt = performance.now()
    this.#openedAt = this.#heardAt
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return
      this.#heardAt = performance.now()
      this.#options.onFrame(JSON.parse(String(data)))
    }
    socket.onclose = ({ reason }) => this.#down(socket, reason)
    socket.onerror = () => this.#down(socket, "the connection failed")
    clearInterval(this.#watch)
    this.#watch = setInterval(() => this.#listen(socket), QUESTION_AFTER_MILLIS / 3)
  }

  /** The gateway has let us in. */
  welcomed(): void {
    this.#options.onState("open", "")
  }

  /** The gateway has done something that it was asked for: the next drop is a first one. */
  succeeded(): void {
    this.#backoff.reset()
  }

  /** The gateway will be gone for a moment. */
  comeBackAfter(millis: number): void {
    this.#retryAfterMillis = millis
  }

  /** Sends a frame. False if there is no connection. */
  send(frame: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(frame))
    return true
  }

  /** Drops the connection and makes another. */
  reconnect(reason: string): void {
    if (this.#socket !== undefined) this.#down(this.#socket, reason)
  }

  /** For good. */
  close(reason = ""): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#detach()
    this.#options.onDown()
    this.#options.onState("closed", reason)
  }

  #down(socket: WebSocket, reason: string): void {
    if (socket !== this.#socket) return
    this.#detach()
    this.#options.onDown()
    if (this.#closed) return
    this.#options.onState("waiting", reason)
    this.#timer = setTimeout(() => this.open(), this.#retryAfterMillis + this.#backoff.next())
    this.#retryAfterMillis = 0
  }

  #detach(): void {
    clearInterval(this.#watch)
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    socket.onmessage = null
    socket.onclose = null
    // A socket that is closed while it connects reports an error, which nobody wants to hear of.
    socket.onerror = () => {}
    socket.close()
  }

  #listen(socket: WebSocket): void {
    if (performance.now() - this.#openedAt > STEADY_MILLIS) this.succeeded()
    const silent = performance.now() - this.#heardAt
    if (silent > SILENCE_MILLIS) this.#down(socket, "the gateway is silent")
    else if (silent > QUESTION_AFTER_MILLIS) this.send({ op: "ping", id: "still-there" })
  }
}
