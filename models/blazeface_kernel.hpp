// The arithmetic of BlazeFace, in the library that is built once plain and once for x86-64-v3 (models/hog_library.hpp says how).
// cv::dnn runs its 69 small layers one after the other, each through memory; here a block's two convolutions, short cut and sum are
// done row by row in the cache, which takes a fraction of the time (docs/design/0003-detectors.md).
#pragma once

extern "C" {

// A convolution as it is stored: weights [out][in][row][column], or [out][1][row][column] when depthwise; bias may be null.
struct blazeface_convolution {
  const float* weights;
  const float* bias;
  int out, in, side;
};

struct blazeface_net;

// `count` convolutions in the order of the ONNX file; null when their shapes are not BlazeFace's. Copies what it needs.
blazeface_net* blazeface_open(const struct blazeface_convolution* convolutions, int count);
void blazeface_close(blazeface_net* net);

// `pixels`: width x height x 3 floats, red, green, blue; sides are multiples of 32. Outputs in planes: scores and values of the fine
// grid (2 and 32 planes of width/16 x height/16) and the coarse one (6 and 96 of width/32 x height/32), owned by the net until the next
// run. 0, or -1 when memory is short. A net serves one thread at a time.
int blazeface_run(blazeface_net* net, const float* pixels, int width, int height, const float* outputs[4]);
}
