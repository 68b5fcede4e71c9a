import { readFileSync } from "node:fs"

/** What a process has done: seconds of processor, bytes read from the disk. Nothing where the system does not tell. */
export interface Work {
  readonly cpuSeconds: number
  readonly readBytes: number
}

const TICKS_PER_SECOND = 100

/** Reads `/proc`, which Linux has. */
export const workOf = (pid: number): Work | undefined => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
    const [, read = "0"] = /^read_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8")) ?? []
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, readBytes: Number(read) }
  } catch {
    return undefined
  }
}

const CPU_SECONDS_MIN = 0.5
const READ_BYTES_MIN = 1e6

/** Whether a process was at work in between: one that only waits does less. */
export const worked = (before: Work | undefined, after: Work | undefined): boolean =>
  before !== undefined &&
  after !== undefined &&
  (after.cpuSeconds - before.cpuSeconds >= CPU_SECONDS_MIN || after.readBytes - before.readBytes >= READ_BYTES_MIN)
