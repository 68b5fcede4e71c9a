import { readFileSync } from "node:fs"

/** Whether a process runs. One that has ended and that nobody has taken note of yet, a zombie, does not. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}
