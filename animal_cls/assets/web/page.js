// The page: photos in, answers on the screen. What a photo shows is found out in worker.js.
'use strict'

const $ = id => document.getElementById(id)
const about = JSON.parse($('about').textContent) // of the net: classes, names, sure_from and so on
const photos = []                                // all of them so far: {file, answer} or {file, error}
let shown = null

const percent = p => p > .995 && p < 1 ? '>99%' : `${Math.round(100*p)}%`
const chance = answer => answer && answer.kind != 'unknown' ? percent(answer.probability) : '' // of a class it may be
const list = words => words.length < 2 ? words.join('') : words.slice(0, -1).join(', ') + ' or ' + words.at(-1)

// The net arrives when it is asked for

const stored = id => $(id)?.textContent // a page that is one file holds everything as base64
const decoded = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))

async function bytes(name, signal, arrived) {
  if (stored(name)) return decoded(stored(name))
  const reply = await fetch(name, {signal})
  if (!reply.ok) throw Error(`${name} is missing`)
  const parts = []
  for (const reader = reply.body.getReader();;) {
    const {done, value} = await reader.read()
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer())
    parts.push(value)
    arrived(value.length)
  }
}

async function fetchAll() { // -> what worker.js begins with
  const bar = $('progress'), stop = new AbortController()
  const names = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm', 'net.onnx']
  let got = 0
  const arrived = n => { bar.value = (got += n)/about.bytes }
  $('status').textContent = `Loading the net, once: ${Math.round(about.bytes/1e6)} MB`
  bar.hidden = false
  try {
    const [runtime, glue, wasm, graph] = await Promise.all(names.map(name => bytes(name, stop.signal, arrived)))
    return {runtime, glue, wasm, graph, size: about.side}
  } catch (error) {
    stop.abort()
    throw Error(location.protocol == 'file:' && !stored('net.onnx')
      ? 'A browser does not load the parts of a page from a folder. Serve it (animal_cls web --serve), or use --single.'
      : 'The net could not be loaded. Is there a network?', {cause: error})
  } finally { bar.hidden = true }
}

const waiting = new Map()
function ask(worker, message, transfer = []) {
  const id = crypto.getRandomValues(new Uint32Array(1))[0]
  worker.postMessage({id, ...message}, transfer)
  return new Promise((resolve, reject) => {
    waiting.set(id, reply => reply.error ? reject(Error(reply.error)) : resolve(reply))
  })
}

async function load() { // -> the worker
  const files = await fetchAll(), source = stored('worker.js')
  const worker = new Worker(source ? URL.createObjectURL(new Blob([decoded(source)])) : 'worker.js')
  worker.onmessage = ({data}) => {
    waiting.get(data.id)(data)
    waiting.delete(data.id)
  }
  worker.onerror = ({message}) => {
    for (const tell of waiting.values()) tell({error: message || 'the worker did not start'})
    waiting.clear()
  }
  $('status').textContent = 'Starting the net'
  try { await ask(worker, files, [files.wasm.buffer, files.graph.buffer]) }
  catch (error) { throw Error('The net could not be started in this browser.', {cause: error}) }
  return worker
}

// Photos in

const line = []       // files that wait
let net = null        // the worker
let busy = false
let round = 0         // 'Start again' begins another
let following = true  // the newest photo is shown, until the visitor chooses one, or a class

function give(files) {
  line.push(...files)
  following = true
  work()
}

async function work() {
  if (busy || !line.length) return
  busy = true
  $('again').hidden = true
  try {
    net ??= await load()
    while (line.length) await look(line.shift())
  } catch (error) { // the files wait for another try
    console.warn(error, error.cause)
    $('status').textContent = error.message
    $('again').hidden = false
  } finally { busy = false }
}

async function look(file) {
  const photo = {file}, mine = round
  $('status').textContent = `Looking at ${file.name}${line.length ? `, ${line.length} more to come` : ''}`
  try { photo.answer = judge(await ask(net, {file})) } catch (error) { photo.error = error.message }
  if (mine != round) return
  photos.push(photo)
  try {
    addRow(photo)
    if (photo.answer && following) show(photo)
  } catch (error) { console.warn(error) }
  const said = photo.error ?? [photo.answer.text, chance(photo.answer)].filter(Boolean).join(', ')
  $('status').textContent = `${file.name}: ${said}`
}

function judge(answer) { // what to make of probabilities
  const {probabilities} = answer, order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a])
  const best = order[0], probability = probabilities[best], name = about.english[best]
  const sure = answer.known !== false && probability >= about.sure_from
  const kind = answer.known === false ? 'unknown' : sure ? 'sure' : 'unsure'
  const text = {unknown: `none of these (nearest: ${name})`, sure: name, unsure: `not sure, perhaps ${name}`}[kind]
  return {...answer, order, best, probability, sure, kind, text}
}

// Answers on the screen

const FEW = 12 // classes that are shown at once

const MEANING = {
  unknown: 'This looks like nothing that the net has learned from. The bars only tell which class comes closest.',
  unsure: 'Of photos with such a probability, too many are something else. Better look yourself.',
  sure: '',
}

function show(photo) {
  const {answer} = shown = photo, {probabilities, order, best} = answer
  URL.revokeObjectURL($('photo').src)
  $('photo').src = URL.createObjectURL(photo.file)
  $('photo').alt = `the photo ${photo.file.name}`
  $('photo').onerror = () => {
    $('name').textContent = `${photo.file.name} is no longer where it was`
    $('heat').hidden = true
  }
  $('name').textContent = `${photo.file.name}, ${answer.width} × ${answer.height} pixels`
  $('verdict').textContent = answer.text[0].toUpperCase() + answer.text.slice(1)
  $('verdict').className = answer.kind
  $('meaning').textContent = MEANING[answer.kind]
  const bars = order.map((k, place) => bar(k, probabilities[k], place))
  $('classes').replaceChildren($('classes').firstElementChild, ...bars)
  $('classes').firstElementChild.hidden = $('strength').hidden = $('heat').hidden = !answer.heat
  for (const row of document.querySelectorAll('[aria-current]')) row.removeAttribute('aria-current')
  photo.row.setAttribute('aria-current', 'true')
  $('every').hidden = order.length <= FEW
  $('every').textContent = `Show all ${order.length} classes`
  $('classes').classList.remove('every')
  $('answer').hidden = false
  warm(best)
  if ($('answer').getBoundingClientRect().top > .6*innerHeight) $('answer').scrollIntoView({block: 'start'})
}

function bar(k, p, place) { // a class, its probability, its place among all
  const [label, input, name, value] = ['label', 'input', 'span', 'b'].map(tag => document.createElement(tag))
  Object.assign(input, {type: 'radio', name: 'class', value: k, checked: !place, className: 'unseen'})
  input.disabled = !shown.answer.heat
  input.onchange = () => {
    following = false
    warm(k)
  }
  name.textContent = about.english[k]
  if (about.classes[k] != about.english[k]) {
    const trained = document.createElement('small')
    trained.textContent = ` ${about.classes[k]}`
    name.append(trained)
  }
  value.textContent = percent(p)
  label.className = place < FEW ? 'class' : 'class late'
  label.style.setProperty('--p', p)
  label.append(input, name, value)
  return label
}

function warm(k) { // draws what speaks for a class; all classes are on one scale
  const {heat, cells} = shown.answer
  if (!heat) return
  const [h, w] = cells, most = heat.reduce((a, b) => Math.max(a, b), 1e-12), map = new ImageData(w, h)
  for (let i = 0; i < h*w; i++) {
    const t = heat[k*h*w + i]/most // from violet to pink: a colour that no animal has
    map.data.set([90 + 165*t, 0, 170 - 50*t, 255*Math.min(1, 1.3*t)], 4*i)
  }
  const small = new OffscreenCanvas(w, h), canvas = $('heat'), pen = canvas.getContext('2d')
  const edge = about.edge*canvas.width
  small.getContext('2d').putImageData(map, 0, 0)
  pen.clearRect(0, 0, canvas.width, canvas.height)
  pen.imageSmoothingQuality = 'high'
  pen.drawImage(small, edge, edge, canvas.width - 2*edge, canvas.height - 2*edge)
  canvas.setAttribute('aria-label', `Where the net sees signs of ${about.english[k]}`)
}

function addRow(photo) {
  const row = photo.row = document.querySelector('tbody').insertRow(), {answer} = photo
  const name = document.createElement(answer ? 'button' : 'span')
  if (answer) {
    const canvas = document.createElement('canvas')
    Object.assign(canvas, {width: answer.thumb.width, height: answer.thumb.height})
    canvas.getContext('2d').drawImage(answer.thumb, 0, 0)
    answer.thumb.close()
    name.append(canvas)
    name.onclick = () => {
      following = false
      show(photo)
      $('answer').scrollIntoView({block: 'start'})
    }
  }
  name.append(photo.file.name)
  row.insertCell().append(name)
  row.insertCell().textContent = answer ? answer.text : photo.error
  Object.assign(row.insertCell(), {className: 'number', textContent: chance(answer)})
  $('all').hidden = false
}

// Out again

function cell(value) { // of a CSV; a spreadsheet must not take a name for a formula
  const text = String(value ?? '').replace(/^\s*[=+\-@＝＋－＠]/, "'$&")
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function table() {
  const head = ['photo', 'label', 'english', 'probability', 'sure', 'known', 'error']
  const rows = photos.map(({file, answer: a, error}) => a
    ? [file.name, about.classes[a.best], about.english[a.best], a.probability.toFixed(6), a.sure, a.known, '',
       ...[...a.probabilities].map(p => p.toFixed(6))]
    : [file.name, '', '', '', '', '', error, ...about.classes.map(() => '')])
  const lines = [[...head, ...about.classes.map(c => `p(${c})`)], ...rows].map(row => row.map(cell).join(','))
  return lines.join('\r\n') + '\r\n'
}

$('save').onclick = () => {
  const link = document.createElement('a')
  const address = URL.createObjectURL(new Blob(['\ufeff', table()], {type: 'text/csv'}))
  Object.assign(link, {href: address, download: 'answers.csv'}).click()
  setTimeout(() => URL.revokeObjectURL(address), 1000)
}

$('clear').onclick = () => {
  round++
  photos.length = line.length = 0
  URL.revokeObjectURL($('photo').src)
  $('photo').removeAttribute('src')
  document.querySelector('tbody').replaceChildren()
  $('all').hidden = $('answer').hidden = true
  $('status').textContent = ''
  $('files').focus()
}

// Ways in

for (const input of [$('files'), $('camera')]) input.onchange = () => { give(input.files); input.value = '' }
addEventListener('paste', event => give(event.clipboardData.files))
addEventListener('dragover', event => {
  event.preventDefault()
  document.body.classList.toggle('over', event.dataTransfer.types.includes('Files'))
})
addEventListener('dragleave', event => { if (!event.relatedTarget) document.body.classList.remove('over') })
addEventListener('drop', event => {
  event.preventDefault()
  document.body.classList.remove('over')
  give(event.dataTransfer.files)
})
$('again').onclick = work
$('every').onclick = () => {
  $('classes').classList.add('every')
  $('every').hidden = true
}
$('opacity').oninput = () => { $('heat').style.opacity = $('opacity').value/100 }
$('opacity').oninput()

for (const {file, text} of about.examples) {
  const [item, button, image] = ['li', 'button', 'img'].map(tag => document.createElement(tag))
  Object.assign(image, {src: file, alt: text})
  button.onclick = async () => {
    const reply = await fetch(file).catch(() => ({}))
    if (reply.ok) give([new File([await reply.blob()], text)])
    else $('status').textContent = `The picture could not be loaded: ${text}.`
  }
  button.append(image)
  item.append(button)
  $('examples').querySelector('ul').append(item)
  $('examples').hidden = false
}

const many = about.english.length, more = [...about.english.slice(0, 20), `${many - 20} more`]
const known = many > 24 ? more : about.english
$('lead').textContent = `A net that knows ${list(known)}. It shows where it looked, and says so when it does not know.`
$('net').textContent = about.description
