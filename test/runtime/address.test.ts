import { assert, describe, it } from "@effect/vitest"
import { parseServers, showServers } from "../../runtime/nats/address.ts"

describe("the address of NATS servers", () => {
  it("names one server or several, with or without scheme and port", () => {
    assert.deepStrictEqual(parseServers("nats://127.0.0.1:4333").servers, ["127.0.0.1:4333"])
    assert.deepStrictEqual(parseServers("nats://a:1, nats://b").servers, ["a:1", "b:4222"])
    assert.deepStrictEqual(parseServers("localhost:4222").servers, ["localhost:4222"])
    assert.isTrue(parseServers("tls://a").tls)
  })

  it("may hold a user, whose password is never shown", () => {
    const { user, pass } = parseServers("nats://ada:p%40ss@a:1,nats://b:2")
    assert.deepStrictEqual([user, pass], ["ada", "p@ss"])
    assert.strictEqual(showServers("nats://ada:p%40ss@a:1,nats://b:2"), "nats://a:1, nats://b:2")
  })
})
