// mqttjs.js HOST PORT CA CERT KEY WEB VERSION ID TOPIC SCENARIO -- MQTT.js from npm
'use strict'
const fs = require('fs')
const mqtt = require('mqtt')
const [host, port, ca, cert, key, web, version, ident, topic, scenario] = process.argv.slice(2)
const five = version === '5'
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

async function ear (name, { keep = false, clean = !keep, will, receiveMaximum } = {}) {
  const options = {
    clientId: name, protocolVersion: five ? 5 : 4, clean: five ? clean : !keep, reconnectPeriod: 0, connectTimeout: 10000, keepalive: 30,
    ca: fs.readFileSync(ca), cert: fs.readFileSync(cert), key: fs.readFileSync(key), rejectUnauthorized: true
  }
  if (five) options.properties = { sessionExpiryInterval: keep ? 120 : 0, ...(receiveMaximum ? { receiveMaximum } : {}) }
  if (will) options.will = { topic: will, payload: Buffer.from('gone'), qos: 1, retain: false }
  const url = web === '1' ? `wss://${host}:${port}/mqtt` : `mqtts://${host}:${port}`
  if (web === '1') options.wsOptions = { ca: options.ca, cert: options.cert, key: options.key }
  const heard = []
  const c = mqtt.connect(url, options)
  c.on('message', (t, payload, packet) => heard.push({ topic: t, text: payload.toString(), qos: packet.qos, retain: packet.retain }))
  const present = await new Promise((resolve, reject) => {
    c.once('connect', p => resolve(p.sessionPresent))
    c.once('error', reject)
    c.once('close', () => reject(new Error('closed before CONNACK')))
  })
  c.on('error', e => { throw e })
  return {
    c, heard, present,
    subscribe: (t, qos = 2) => c.subscribeAsync(t, { qos }),
    publish: (t, p, qos = 0, retain = false) => c.publishAsync(t, p, { qos, retain }),
    async wait (count, ms = 15000, more = 300) {
      for (const until = Date.now() + ms; heard.length < count && Date.now() < until;) await sleep(20)
      await sleep(more)
      return heard.splice(0)
    },
    end: () => c.endAsync(),
    vanish: () => { c.stream.destroy() }
  }
}

function equal (got, want, what) {
  const [g, w] = [JSON.stringify(got), JSON.stringify(want)]
  if (g !== w) throw new Error(`${what}: wanted ${w}, got ${g}`)
}
const upTo = (n, first = 0, step = 1) => Array.from({ length: Math.ceil((n - first) / step) }, (_, i) => first + i * step)
const numbers = list => list.map(m => Number(m.text))

const scenarios = {
  async exchange () {
    const a = await ear(ident + '-a'); const b = await ear(ident + '-b')
    await a.subscribe(topic + '/#')
    for (const qos of [0, 1, 2]) await Promise.all(upTo(50).map(i => b.publish(`${topic}/${qos}`, String(i), qos)))
    const got = await a.wait(150)
    for (const qos of [0, 1, 2]) equal(numbers(got.filter(m => m.qos === qos)), upTo(50), 'QoS ' + qos)
    await a.end(); await b.end()
  },
  async survive () {
    const a = await ear(ident + '-a', { keep: true, clean: true })
    await a.subscribe(topic); await a.end()
    const b = await ear(ident + '-b')
    for (const i of upTo(30)) await b.publish(topic, String(i), 1 + i % 2)
    const again = await ear(ident + '-a', { keep: true })
    equal(again.present, true, 'session present')
    const got = numbers(await again.wait(30))
    for (const rest of [0, 1]) equal(got.filter(n => n % 2 === rest), upTo(30, rest, 2), 'QoS ' + (1 + rest))
    await again.end(); await b.end()
  },
  async retained () {
    const b = await ear(ident + '-b')
    await b.publish(topic, 'kept', 2, true)
    const a = await ear(ident + '-a'); await a.subscribe(topic)
    equal((await a.wait(1)).map(m => [m.text, m.retain]), [['kept', true]], 'retained messages')
    await b.publish(topic, '', 1, true)
    const c = await ear(ident + '-c'); await c.subscribe(topic)
    equal(await c.wait(0), [], 'retained messages after an empty one')
    await a.end(); await b.end(); await c.end()
  },
  async will () {
    const a = await ear(ident + '-a'); await a.subscribe(topic)
    const b = await ear(ident + '-b', { will: topic }); b.vanish()
    equal((await a.wait(1)).map(m => m.text), ['gone'], 'wills')
    await a.end()
  },
  async shared () {
    const ears = [await ear(ident + '-0'), await ear(ident + '-1')]
    for (const e of ears) await e.subscribe('$share/g/' + topic)
    const b = await ear(ident + '-b')
    for (const i of upTo(40)) await b.publish(topic, String(i), 1)
    const got = [await ears[0].wait(0, 0, 1000), await ears[1].wait(0, 0, 100)]
    equal(numbers(got.flat()).sort((x, y) => x - y), upTo(40), 'messages of both')
    if (!got[0].length || !got[1].length) throw new Error('one member hears nothing')
    for (const e of [...ears, b]) await e.end()
  },
  async flow () {
    const a = await ear(ident + '-a', { receiveMaximum: 2 }); await a.subscribe(topic)
    const b = await ear(ident + '-b')
    await Promise.all(upTo(60).map(i => b.publish(topic, String(i), 2)))
    equal(numbers(await a.wait(60)), upTo(60), 'messages')
    await a.end(); await b.end()
  }
}
scenarios[scenario]().then(() => { console.log('ok'); process.exit(0) }, e => { console.error(e); process.exit(1) })
