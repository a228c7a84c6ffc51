"""The rig of a photo, and how its picture is computed: the same in Python and in the browser.

Coordinates are frame pixels (x right, y down, centre of the first pixel at (0, 0)). `S` below is
`span`: the distance between the eyes' outer corners at rest. All arrays are `rigfile.pack_array`.

Textures
    skin   [height + 2 * margin, width + 2 * margin], straight alpha: the person. The texel of the
           frame's pixel (x, y) is (x + margin, y + margin): u = (x + margin + 0.5) / texture width.
    parts  an atlas of sprites, straight alpha; data["parts"] = {name: [x, y, width, height]},
           in texels.
    plate  [height, width], opaque: the background without the person.
    All are sampled bilinearly and clamped at their edges.

data
    margin      int, pixels of skin around the frame
    span        float, S
    across,down [2] unit vectors of the face: from the left eye to the right one, brow to chin
    pivot       [2], and `pivot_depth`: the point about which the head turns
    vertices    float32 [n, 3], x, y and depth (negative is nearer) at rest
    head        float32 [n], 0..1, how much of the head's movement a vertex takes
    triangles   uint16 [m, 3], in drawing order
    eyes_from   int: vertices from this one on are the eyeballs'; gaze float32 [n - eyes_from]
    gaze_reach  [2], pixels that gaze 1 moves the iris across and down the face
    bases       [{"drivers": [channel, ...], "indices": uint16 [k], "offsets": int16 [k, 2], in
                1/64 pixel}]
    relax       {"part": name, "at": [x, y]}: a patch of skin, its first texel's place in texels
                of the skin texture; absent (null) when there is nothing to relax
    lids        [{"driver": channel, "part": name, "triangles": uint16 [k, 3],
                "uv": float32 [n_lid, 2], "vertices": uint16 [n_lid]}]; triangles index `vertices`
    mouth       see below

A pose, step by step
    0. Channels are clipped to -1.5..1.5, blinks, press, bite, speaking to 0..1. Two more:
         work = clip(max(speaking, press, bite, 3 * max(open, round, |wide|, upper, lower,
                tongue)), 0, 1)
         ease = work * (1 - clip(smile, 0, 1))
    1. Weight of a basis = product of its drivers' values.
         local[i] = vertices[i].xy + sum over bases of weight * offsets[i] / 64
    2. uv[i] = vertices[i].xy for skin; for an eyeball's vertex (j = i - eyes_from)
         uv[i] = local[i] - gaze[j] * (gaze_x * gaze_reach[0] * across
                                       + gaze_y * gaze_reach[1] * down)
    3. Head, with h = head[i], X, Y = local - pivot, Z = depth - pivot_depth:
         a = h * yaw;    X, Z = X cos a - Z sin a, X sin a + Z cos a
         b = h * pitch;  Y, Z = Y cos b - Z sin b, Y sin b + Z cos b
         c = h * roll;   X, Y = X cos c - Y sin c, X sin c + Y cos c
         posed[i] = pivot + (X, Y) + h * S * (shift_x, shift_y)
    4. The frame starts transparent. `triangles` are drawn in order at `posed`, textured with
       skin at `uv`, blending off: a later triangle replaces colour and alpha. No culling.
       The skin's colour is first mixed with the relax patch, in texture space:
         rgb = mix(skin.rgb, patch.rgb, patch.a * ease), alpha unchanged (patch.a is 0 outside)
    5. Each lid whose driver's value v > 0.02: its triangles at posed[vertices[k]], texel of the
       atlas (not counted from the part's corner) at uv[k]: centre of the first texel is (0, 0).
       Blended: a = texel.a * smoothstep(0.05, 0.5, v); rgb = mix(rgb, texel.rgb, a); alpha stays.
    6. The mouth, blended in the same way.

The mouth (data["mouth"])
    upper, lower  uint16 [11]: vertices of the inner lips from left to right; same ends
    origin        [2]: of mouth coordinates at rest, frame pixels
    columns       int, q: columns per segment
    edge          float: half the width of the soft edge, pixels, measured across the edge
    contact       0..1, least opacity while at work, so that lips that were open get a line
    teeth_upper, teeth_lower, tongue   {"part", "at": [x, y]}: where the part's first texel's
                  centre lies in mouth coordinates
    drop          jaw opening in S at open = 1
    depth         how far behind the lips the teeth stand, in S
    cavity        [3] rgb 0..255
    buccal        0..1, how dark the corners of the mouth are
    texels        texels per S of the three sprites
    lip_shadow, floor_shadow   [least light, reach in S] under the upper lip, above the lower one
    Columns: both contours are resampled, posed and local points alike, by Catmull-Rom with ends
    extended by reflection (p[-1] = 2 p[0] - p[1]), q points per segment plus the last: C =
    10 q + 1 columns at U (upper), L (lower). gap = (L - U).local . down, clipped at >= 0.
    With n = posed down direction = normalise(posed L - posed U, or down where gap < 0.01 S),
    g = max((L - U).posed . n, 0), four rows per column:
         row        0               1            2            3
         posed      U - eu n        U + tu n     L - tl n     L + el n
         (with L taken as U + g n)
         eu = edge * min(|d| / max(|d x n|, 1e-6), 4), d = U[c + 1] - U[c - 1] (posed; indices
              clamped to the columns there are); el the same along L;
              tu = min(eu, g / 2), tl = min(el, g / 2)
         a          0               m            m            0
         m = max(min(g / (2 edge), 1), contact * work * (1 - side^4))
         below      (posed - U) . n / S: distance under the upper lip
         height     g / S  (same in all four rows)
         side       2 * column / (C - 1) - 1
         X, Y       (local_U + (local_L - local_U) * s - origin) . across / S (and . down / S)
                    with s = -eu/g', tu/g', 1 - tl/g', 1 + el/g', g' = max(g, 2 edge)
    Rows are joined by two triangles per cell; row r, column c -> (r, c), (r, c+1), (r+1, c+1)
    and (r, c), (r+1, c+1), (r+1, c). All of them are interpolated linearly over triangles.
    Fragment (rgb 0..255):
         x = X + depth * yaw,  y = Y + depth * pitch
         rgb = cavity * (1 - 0.5 * side^2)
         over rgb, in this order, each part sampled at ((x, y + dy) - at) * texels, rgb and alpha:
           tongue       dy = -(drop * open * (0.75 - 0.55 * tongue) + 0.045 - 0.045 * tongue)
                        rgb of the texel * (0.55 + 0.45 * min(height / 0.12, 1))
           teeth_lower  dy = -drop * open;  alpha * (1 - min(1.6 * round, 1))
           teeth_upper  dy = 0
           (round clipped to 0..1; a part is transparent outside of itself)
         corner = clip((|side| - 0.45) / 0.55, 0, 1)^1.5 * 0.8 * buccal
         rgb = mix(rgb, cavity, 1 - (1 - corner) * (1 - 0.25 * round))
         light = mix(lip_shadow[0], 1, smoothstep(0, lip_shadow[1], below))
         light *= mix(floor_shadow[0], 1, smoothstep(0, floor_shadow[1], height - below))
         light *= 1 - 0.3 * round
         r, g, b *= light, light * (0.74 + 0.26 * light), light * (0.68 + 0.32 * light)
         alpha = a * min(4 * work, 1)
"""
