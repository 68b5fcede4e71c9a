// A reporter of vitest that says which tests passed only when they were repeated: what is seldom wrong is to be seen.
import { relative } from "node:path"
import { ROOT } from "./nats-server.mjs"

export default class Repeated {
  #lines = []

  onTestCaseResult(test) {
    if (test.result().state !== "passed" || (test.diagnostic()?.retryCount ?? 0) === 0) return
    const [error] = test.result().errors ?? []
    const cause = error === undefined ? "" : `: ${error.message.split("\n")[0]}`
    this.#lines.push(`repeated: ${relative(ROOT, test.module.moduleId)}: ${test.fullName}${cause}`)
  }

  onTestRunEnd() {
    if (this.#lines.length > 0) console.log(`\n${this.#lines.join("\n")}`)
  }
}
