// What the peers have in common: the events, and the frames in which they are sent.

/** Who sends events to clients. `bare` is uWebSockets with nothing on it. */
export const KINDS = ["gateway", "bare", "ws", "socket.io", "nats"] as const
export type Kind = (typeof KINDS)[number]

/** What clients subscribe to in turn: each gets every event. */
export const PATTERNS = ["bench.>", "bench.*.decision", "bench.*.*"] as const
const SYMBOLS = 20
const EVENT_BYTES = 200

/** What is counted: it stands once in each event and nowhere else. The time follows, in microseconds. */
export const MARKER = '"at":"'
export const TIME_DIGITS = 15

export const subjectOf = (index: number): string => `bench.S${index % SYMBOLS}.decision`

/** Microseconds on the clock that all processes of this machine share. */
export const nowMicros = (): number => Number(process.hrtime.bigint() / 1_000n)

/** An event of 200 bytes, as it is stored. */
export const eventAt = (micros: number): string => {
  const opening = `{"type":"t","data":{${MARKER}${String(micros).padStart(TIME_DIGITS, "0")}","pad":"`
  return `${opening}${"x".repeat(EVENT_BYTES - opening.length - 3)}"}}`
}

/** The frame of an event as the gateway sends it. */
export const frameOf = (subject: string, payload: string, sequence: number): string => {
  const { type, data } = JSON.parse(payload)
  return JSON.stringify({ type, seq: sequence, subject, data, sub: "s" })
}
