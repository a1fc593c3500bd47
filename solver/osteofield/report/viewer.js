// SPDX-License-Identifier: LGPL-3.0-or-later
// The lesion in 3-D: parallel projection, so that the scale bar holds; cut bone is what shows the inside of its surface.
"use strict";
(() => {
  const root = document.getElementById("viewer");
  const data = JSON.parse(document.getElementById("lesion-data").textContent);
  const canvas = root.querySelector("canvas");
  const gl = canvas.getContext("webgl2", { antialias: true, alpha: true, preserveDrawingBuffer: true });
  if (!gl) {
    root.classList.add("without");
    document.documentElement.dataset.lesion = "no WebGL";
    return;
  }

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const low = data.box[0], size = data.box[1].map((h, k) => h - low[k]);
  const positions = (text) => {
    const raw = new Uint16Array(bytes(text).buffer), out = new Float32Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = low[i % 3] + size[i % 3] * raw[i] / 65535;
    return out;
  };
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const unit = (a) => { const n = Math.hypot(...a) || 1; return a.map((x) => x / n); };

  function normals(points, triangles) {
    const out = new Float32Array(points.length);
    for (let i = 0; i < triangles.length; i += 3) {
      const [a, b, c] = [0, 1, 2].map((k) => 3 * triangles[i + k]);
      const u = [0, 1, 2].map((k) => points[b + k] - points[a + k]);
      const v = [0, 1, 2].map((k) => points[c + k] - points[a + k]);
      const n = cross(u, v);
      for (const p of [a, b, c]) for (let k = 0; k < 3; k++) out[p + k] += n[k];
    }
    return out;
  }

  // ---- drawing
  const vertex = `
    attribute vec3 p; attribute vec3 n; attribute float d;
    uniform mat3 turn; uniform vec3 middle; uniform vec3 scale;
    varying vec3 at; varying vec3 normal; varying float depth;
    void main() {
      vec3 q = turn * (p - middle);
      gl_Position = vec4(q.xy * scale.xy, -q.z * scale.z, 1.0);
      at = p; normal = turn * n; depth = d;
    }`;
  const fragment = `
    precision highp float;
    uniform vec4 plane; uniform sampler2D colours; uniform vec3 inside; uniform vec4 flatly; uniform float mode;
    varying vec3 at; varying vec3 normal; varying float depth;
    void main() {
      if (dot(at, plane.xyz) > plane.w) discard;
      if (mode > 1.5) { gl_FragColor = flatly; return; }
      if (mode < 0.5 && !gl_FrontFacing) { gl_FragColor = vec4(inside, 1.0); return; }
      vec3 n = normalize(normal);
      if (mode > 0.5) n *= sign(n.z + 1e-6);
      float light = 0.42 + 0.5 * max(dot(n, normalize(vec3(-0.5, 0.8, 1.0))), 0.0)
                         + 0.2 * max(dot(n, normalize(vec3(0.9, -0.3, 0.8))), 0.0);
      vec3 colour = mode > 0.5 ? flatly.rgb : texture2D(colours, vec2((depth * 255.0 + 0.5) / 256.0, 0.5)).rgb;
      float alpha = mode > 0.5 ? flatly.a : 1.0;
      gl_FragColor = vec4(colour * light * alpha, alpha);
    }`;
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  ["p", "n", "d"].forEach((name, k) => gl.bindAttribLocation(program, k, name));
  gl.linkProgram(program);
  gl.useProgram(program);
  const place = (name) => gl.getUniformLocation(program, name);
  const uniform = Object.fromEntries(
    ["turn", "middle", "scale", "plane", "inside", "flatly", "mode"].map((name) => [name, place(name)]));
  const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16) / 255);
  const buffer = (kind, values) => {
    const made = gl.createBuffer();
    gl.bindBuffer(kind, made);
    gl.bufferData(kind, values, gl.STATIC_DRAW);
    return made;
  };
  function mesh(points, triangles, depths) {
    return {
      p: buffer(gl.ARRAY_BUFFER, points), n: buffer(gl.ARRAY_BUFFER, normals(points, triangles)),
      d: depths && buffer(gl.ARRAY_BUFFER, depths),
      index: buffer(gl.ELEMENT_ARRAY_BUFFER, triangles), count: triangles.length,
    };
  }
  const indices = (text) => new Uint32Array(bytes(text).buffer);
  const bone = mesh(positions(data.points), indices(data.triangles), bytes(data.depths));
  const border = data.border && mesh(positions(data.border.points), indices(data.border.triangles));
  const corner = (k) => [0, 1, 2].map((a) => low[a] + (k >> a & 1) * size[a]);
  const edges = [];
  for (let i = 0; i < 8; i++) for (let a = 0; a < 3; a++) if (!(i >> a & 1)) edges.push(i, i | 1 << a);
  const frame = gl.createBuffer();
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes(data.colours));
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);

  // ---- what is seen: the cut plane looks at the reader, turned a little
  const normal = data.normal;
  const above = Math.abs(normal[2]) < 0.5 ? [0, 0, 1] : [0, 1, 0], across = cross(above, normal);
  const whole = 1.15 * Math.hypot(...size);
  const home = () => ({ aside: 24, above: 20, middle: corner(0).map((x, k) => x + size[k] / 2), height: whole });
  let view = home(), step = data.times.length - 1;
  function fit() {  // the whole box, as large as it goes
    const { right, up } = axes(), span = (axis) => {
      const at = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => dot(corner(k), axis));
      return Math.max(...at) - Math.min(...at);
    };
    view.height = 1.12 * Math.max(span(up), span(right) * canvas.clientHeight / Math.max(canvas.clientWidth, 1));
  }
  const reach = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => dot(corner(k), normal));
  const near = Math.max(...reach), far = Math.min(...reach), focus = dot(data.centre, normal);
  const control = (name) => root.querySelector(`[name=${name}]`);

  function axes() {
    const a = view.aside * Math.PI / 180, b = view.above * Math.PI / 180;
    const towards = unit([0, 1, 2].map((k) =>
      Math.cos(b) * (Math.cos(a) * normal[k] + Math.sin(a) * across[k]) + Math.sin(b) * above[k]));
    const right = unit(cross(above, towards));
    return { right, up: cross(towards, right), towards };
  }

  function bind(m, withDepth) {
    gl.bindBuffer(gl.ARRAY_BUFFER, m.p);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, m.n || m.p);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 3, gl.FLOAT, false, 0, 0);
    if (withDepth) {
      gl.bindBuffer(gl.ARRAY_BUFFER, m.d);
      gl.enableVertexAttribArray(2);
      gl.vertexAttribPointer(2, 1, gl.UNSIGNED_BYTE, true, 0, step * data.count);
    } else {
      gl.disableVertexAttribArray(2);
      gl.vertexAttrib1f(2, 0);
    }
    if (m.index) gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, m.index);
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [canvas.clientWidth, canvas.clientHeight].map((n) => Math.max(1, Math.round(n * ratio)));
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    gl.viewport(0, 0, w, h);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const { right, up, towards } = axes();
    const turn = [0, 1, 2].flatMap((k) => [right[k], up[k], towards[k]]);
    gl.uniformMatrix3fv(uniform.turn, false, turn);
    gl.uniform3fv(uniform.middle, view.middle);
    gl.uniform3f(uniform.scale, 2 * h / w / view.height, 2 / view.height, 1 / (2 * whole));
    const cut = Number(control("cut").value);
    gl.uniform4f(uniform.plane, ...normal, far + cut * (near - far) + 1e-3);
    gl.uniform3fv(uniform.inside, rgb(data.cut));
    gl.enable(gl.DEPTH_TEST);
    gl.disable(gl.BLEND);
    gl.uniform1f(uniform.mode, 0);
    bind(bone, true);
    gl.enable(gl.CULL_FACE);
    gl.enable(gl.POLYGON_OFFSET_FILL);  // the inside wins at its own silhouettes: no cracks in cut bone
    gl.polygonOffset(-0.5, -2);
    gl.cullFace(gl.FRONT);
    gl.drawElements(gl.TRIANGLES, bone.count, gl.UNSIGNED_INT, 0);
    gl.disable(gl.POLYGON_OFFSET_FILL);
    gl.cullFace(gl.BACK);
    gl.drawElements(gl.TRIANGLES, bone.count, gl.UNSIGNED_INT, 0);
    gl.disable(gl.CULL_FACE);
    gl.uniform1f(uniform.mode, 2);
    gl.uniform4f(uniform.flatly, 0.55, 0.55, 0.55, 1);
    const cutAt = far + cut * (near - far);  // the frame of what is left
    gl.bindBuffer(gl.ARRAY_BUFFER, frame);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(edges.flatMap((k) => {
      const at = corner(k), over = Math.max(0, dot(at, normal) - cutAt);
      return at.map((x, a) => x - over * normal[a]);
    })), gl.DYNAMIC_DRAW);
    bind({ p: frame }, false);
    gl.drawArrays(gl.LINES, 0, edges.length);
    const bacteria = control("bacteria");
    if (border && bacteria.checked && step === data.times.length - 1) {
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      gl.depthMask(false);
      gl.uniform1f(uniform.mode, 1);
      gl.uniform4f(uniform.flatly, ...rgb(data.infection), 0.4);
      bind(border, false);
      gl.drawElements(gl.TRIANGLES, border.count, gl.UNSIGNED_INT, 0);
      gl.depthMask(true);
    }
    label(canvas.clientHeight / view.height);
  }

  // ---- what is written on it
  function label(pixels) {
    const longest = 160 / pixels, power = 10 ** Math.floor(Math.log10(longest));
    const length = [5, 2, 1].map((k) => k * power).find((x) => x <= longest);
    const bar = root.querySelector(".bar");
    bar.style.width = `${length * pixels}px`;
    bar.textContent = length < 1000 ? `${length} µm` : `${length / 1000} mm`;
    root.querySelector(".day").textContent = `day ${Number(data.times[step].toPrecision(6))}`;
  }
  const palette = bytes(data.colours);
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((k) => `rgb(${palette.slice(4 * k, 4 * k + 3).join()})`);
  root.querySelector(".ramp").style.background = `linear-gradient(to right, ${stops.join()})`;

  // ---- what the reader does
  let asked = false;
  const redraw = () => {
    if (!asked) requestAnimationFrame(() => { asked = false; draw(); });
    asked = true;
  };
  const touching = new Map();
  const move = (dx, dy) => {
    const { right, up } = axes(), um = view.height / canvas.clientHeight;
    view.middle = view.middle.map((x, k) => x - um * (dx * right[k] - dy * up[k]));
  };
  const zoom = (factor) => { view.height = Math.min(3 * whole, Math.max(whole / 60, view.height * factor)); };
  canvas.addEventListener("pointerdown", (e) => {
    canvas.setPointerCapture(e.pointerId);
    touching.set(e.pointerId, [e.clientX, e.clientY]);
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (e) => touching.delete(e.pointerId));
  canvas.addEventListener("pointermove", (e) => {
    const was = touching.get(e.pointerId);
    if (!was) return;
    const [dx, dy] = [e.clientX - was[0], e.clientY - was[1]];
    if (touching.size === 2) {
      const other = [...touching.entries()].find(([id]) => id !== e.pointerId)[1];
      const span = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
      zoom(span(was) / span([e.clientX, e.clientY]));
      move(dx / 2, dy / 2);
    } else if (e.shiftKey || e.buttons & 2) {
      move(dx, dy);
    } else {
      view.aside -= 0.4 * dx;
      view.above = Math.max(-90, Math.min(90, view.above + 0.4 * dy));
    }
    touching.set(e.pointerId, [e.clientX, e.clientY]);
    redraw();
  });
  canvas.addEventListener("contextmenu", (e) => e.preventDefault());
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(0.0015 * e.deltaY)); redraw(); }, { passive: false });
  canvas.addEventListener("keydown", (e) => {
    const turns = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] }[e.key];
    if (turns) { view.aside += turns[0]; view.above = Math.max(-90, Math.min(90, view.above + turns[1])); }
    else if (e.key === "+" || e.key === "-") zoom(e.key === "+" ? 0.9 : 1.1);
    else return;
    e.preventDefault();
    redraw();
  });
  const reset = () => {
    view = home();
    fit();
    control("cut").value = (focus - far) / (near - far);
    redraw();
  };
  const closer = () => {
    view = { ...home(), middle: data.centre.slice(), height: Math.min(0.6 * whole, Math.max(1500, whole / 5)) };
    redraw();
  };
  canvas.addEventListener("dblclick", reset);
  control("whole").addEventListener("click", reset);
  control("lesion").addEventListener("click", closer);
  control("cut").addEventListener("input", redraw);
  control("bacteria").addEventListener("input", redraw);
  const time = control("time");
  time.max = data.times.length - 1;
  time.value = step;
  time.addEventListener("input", () => { step = Number(time.value); redraw(); });
  if (data.times.length < 2) time.closest("label").hidden = true;
  if (!border) control("bacteria").closest("label").hidden = true;
  new ResizeObserver(redraw).observe(canvas);
  reset();
  draw();
  const fault = gl.getError();
  document.documentElement.dataset.lesion = fault ? `GL error ${fault}` : `drawn ${bone.count / 3} triangles`;
})();
