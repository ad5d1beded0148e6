// What happens to a photo away from the page, which stays alive meanwhile: it is decoded, squeezed into a small square
// exactly as Pillow does it in Python, and shown to the net.
const BAND = 256 // rows of a photo that are in memory at a time
let ort, net, side

// Pixels

// What colour is below transparency? Python drops transparency, and a canvas drops the colour. WebGL, if there is one,
// gives both.
function untouched(bitmap) {
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2')
  if (!gl || Math.max(bitmap.width, bitmap.height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return null
  const pixels = new Uint8Array(4*bitmap.width*bitmap.height)
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false)
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE)
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture())
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap)
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer())
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D)
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
  gl.readPixels(0, 0, bitmap.width, bitmap.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels)
  gl.getExtension('WEBGL_lose_context')?.loseContext()
  return pixels
}

// Rows of a photo, four bytes a pixel.
async function rows(photo, top, height) {
  const canvas = new OffscreenCanvas(photo.width, height)
  const pen = canvas.getContext('2d', {willReadFrequently: true})
  pen.drawImage(photo, 0, top, photo.width, height, 0, 0, photo.width, height)
  const pixels = pen.getImageData(0, 0, photo.width, height).data
  for (let i = 3; i < pixels.length; i += 4) {
    if (pixels[i] == 255) continue
    const band = await createImageBitmap(photo, 0, top, photo.width, height, AS_STORED)
    return untouched(band) ?? pixels
  }
  return pixels
}

const AS_STORED = {premultiplyAlpha: 'none', colorSpaceConversion: 'none'}

// Squeezing, as Pillow does it: first whole blocks of pixels become their mean, then a triangle slides over the rest.
// It computes in whole numbers, and so do we. (Pillow 13 goes down first in tall photos: at most one step of 256 off.)

const ONE = 1 << 22 // a weight of 1

// Which of n pixels make up each of `size`, and with what weight: [first pixel, weights].
function triangle(n, length, size) {
  const scale = length/size, reach = Math.max(scale, 1)
  return Array.from({length: size}, (_, k) => {
    const centre = (k + .5)*scale
    const first = Math.max(0, Math.trunc(centre - reach + .5)), end = Math.min(n, Math.trunc(centre + reach + .5))
    const weight = (_, i) => Math.max(0, 1 - Math.abs(first + i + .5 - centre)/reach)
    const weights = Array.from({length: end - first}, weight)
    const sum = weights.reduce((a, b) => a + b)
    return [first, weights.map(w => Math.trunc(.5 + w/sum*ONE))]
  })
}

// Means of blocks of `fx` × `fy` pixels, three bytes each; at the edges, blocks are smaller.
function shrink(pixels, width, height, fx, fy) {
  const w = Math.ceil(width/fx), h = Math.ceil(height/fy)
  const out = new Uint8ClampedArray(3*w*h), sum = new Uint32Array(3*w)
  for (let y = 0; y < h; y++) {
    const tall = Math.min(fy, height - y*fy)
    sum.fill(0)
    for (let j = 0, i = 4*y*fy*width; j < tall; j++)
      for (let x = 0, k = 0, left = fx; x < width; x++, i += 4) {
        sum[k] += pixels[i]; sum[k + 1] += pixels[i + 1]; sum[k + 2] += pixels[i + 2]
        if (--left == 0) { k += 3; left = fx }
      }
    for (let k = 0; k < 3*w; k++) {
      const many = tall*Math.min(fx, width - Math.trunc(k/3)*fx)
      const share = Math.trunc(Math.fround(2**24/many))
      out[3*y*w + k] = Math.trunc((sum[k] + (many >> 1))*share/2**24)
    }
  }
  return out
}

function slide(pixels, width, taps, out, row) { // along each row: three bytes a pixel in and out
  const size = taps.length, height = pixels.length/3/width
  for (let y = 0; y < height; y++)
    for (let k = 0; k < size; k++) {
      const [first, weights] = taps[k]
      let r = ONE/2, g = ONE/2, b = ONE/2
      for (let i = 0, p = 3*(y*width + first); i < weights.length; i++, p += 3) {
        const w = weights[i]
        r += w*pixels[p]; g += w*pixels[p + 1]; b += w*pixels[p + 2]
      }
      const q = 3*((row + y)*size + k)
      out[q] = r >> 22; out[q + 1] = g >> 22; out[q + 2] = b >> 22
    }
}

function slideDown(pixels, width, taps) { // along each column
  const out = new Uint8ClampedArray(3*width*taps.length)
  taps.forEach(([first, weights], k) => {
    for (let x = 0; x < 3*width; x++) {
      let sum = ONE/2
      for (let i = 0; i < weights.length; i++) sum += weights[i]*pixels[3*(first + i)*width + x]
      out[3*k*width + x] = sum >> 22
    }
  })
  return out
}

// A photo of any size as `size` × `size` pixels, three bytes each.
async function squeeze(photo, size) {
  const {width, height} = photo, [fx, fy] = [width, height].map(n => Math.trunc(n/size/3) || 1)
  const w = Math.ceil(width/fx), h = Math.ceil(height/fy), across = triangle(w, width/fx, size)
  const narrow = new Uint8ClampedArray(3*size*h), step = Math.max(1, Math.trunc(BAND/fy))*fy
  for (let top = 0; top < height; top += step) {
    const tall = Math.min(step, height - top)
    slide(shrink(await rows(photo, top, tall), width, tall, fx, fy), w, across, narrow, top/fy)
  }
  return slideDown(narrow, size, triangle(h, height/fy, size))
}

// The net

const address = (file, type) => URL.createObjectURL(new Blob([file], {type}))

async function begin({runtime, glue, wasm, graph, size}) { // four files, pixels
  const [main, mjs] = [runtime, glue].map(text => address(text, 'text/javascript'))
  ort = await import(main)
  Object.assign(ort.env.wasm, {numThreads: 1, wasmPaths: {mjs, wasm: address(wasm, 'application/wasm')}})
  net = await ort.InferenceSession.create(graph, {executionProviders: ['wasm']})
  side = size
}

async function open(file) { // upright, as its EXIF data says
  if (!file.size) throw Error('the file is empty')
  try { return await createImageBitmap(file, AS_STORED) }
  catch { throw Error('this browser cannot open it as a picture (JPEG, PNG and WebP it can)') }
}

async function answer(file) {
  const photo = await open(file)
  const {width, height} = photo, start = performance.now()
  const square = await squeeze(photo, side), squeezed = performance.now()
  const small = Math.min(1, 96/Math.max(width, height))
  const [resizeWidth, resizeHeight] = [width, height].map(n => Math.max(1, Math.round(n*small)))
  const thumb = await createImageBitmap(photo, {resizeWidth, resizeHeight, resizeQuality: 'medium'})
  photo.close()
  const said = await net.run({photos: new ort.Tensor('uint8', new Uint8Array(square.buffer), [1, side, side, 3])})
  return {
    width, height, thumb, probabilities: said.probabilities.data,
    known: said.known ? Boolean(said.known.data[0]) : null,
    heat: said.heat?.data, cells: said.heat?.dims.slice(2), // one map after the other
    milliseconds: {squeezing: squeezed - start, net: performance.now() - squeezed},
  }
}

onmessage = async ({data}) => {
  try { postMessage({id: data.id, ...(data.file ? await answer(data.file) : await begin(data))}) }
  catch (error) { postMessage({id: data.id, error: String(error?.message ?? error)}) }
}
