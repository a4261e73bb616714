"""The network of the digit reader: forward, backward and Adam in plain numpy.

Not a framework: just the layers used here. Activations are [batch, height, width, channels] so that a convolution is one
matrix product over its patches; `onnx_weights` turns the weights into the channel-first order of ONNX.
"""
import numpy as np

# conv 3x3 1->16 (pad 1), relu, pool 28->14; conv 3x3 16->32, relu, pool 12->6; conv 3x3 32->64 (pad 1), relu, pool 6->3;
# dense 576->10.
CONVOLUTIONS = [(1, 16, 1), (16, 32, 0), (32, 64, 1)]   # input channels, output channels, padding on each side
FINAL_SIDE = 3
FINAL_CHANNELS = CONVOLUTIONS[-1][1]
NUM_CLASSES = 10


def initial_parameters(rng):
    """A flat list: weight [9*in, out] and bias [out] of each convolution, then of the dense layer (He's scaling)."""
    parameters = []
    for num_in, num_out, _ in CONVOLUTIONS:
        parameters.append(rng.standard_normal((9 * num_in, num_out)) * np.sqrt(2.0 / (9 * num_in)))
        parameters.append(np.zeros(num_out))
    num_features = FINAL_SIDE * FINAL_SIDE * FINAL_CHANNELS
    parameters.append(rng.standard_normal((num_features, NUM_CLASSES)) * np.sqrt(1.0 / num_features))
    parameters.append(np.zeros(NUM_CLASSES))
    return [value.astype(np.float32) for value in parameters]


def normalise(images):
    """uint8 [n,28,28] -> ink [n,28,28,1]: 0 on white paper, 1 on black ink."""
    return ((255.0 - images.astype(np.float32)) * np.float32(1.0 / 255.0))[..., None]


def patches(x, pad):
    """The 3x3 neighbourhoods of x [n,h,w,c] as rows [n*oh*ow, 9*c], and (n, oh, ow)."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0))) if pad else x
    n, h, w, c = x.shape
    s = x.strides
    view = np.lib.stride_tricks.as_strided(x, (n, h - 2, w - 2, 3, 3, c), (s[0], s[1], s[2], s[1], s[2], s[3]))
    return view.reshape(-1, 9 * c), (n, h - 2, w - 2)


def scatter_patches(rows, shape, pad):
    """The gradient of patches(): adds every row back where it was taken from. shape is that of x."""
    n, h, w, c = shape
    out_h, out_w = h + 2 * pad - 2, w + 2 * pad - 2
    rows = rows.reshape(n, out_h, out_w, 3, 3, c)
    padded = np.zeros((n, h + 2 * pad, w + 2 * pad, c), dtype=np.float32)
    for dy in range(3):
        for dx in range(3):
            padded[:, dy:dy + out_h, dx:dx + out_w] += rows[:, :, :, dy, dx]
    return padded[:, pad:pad + h, pad:pad + w]


def quarters(x):
    """The four pixels of every 2x2 window of x, each [n, h/2, w/2, c]."""
    return [x[:, dy::2, dx::2] for dy in range(2) for dx in range(2)]


def max_pool(x):
    a, b, c, d = quarters(x)
    return np.maximum(np.maximum(a, b), np.maximum(c, d))


def max_pool_and_relu_gradient(x, pooled, gradient):
    """Back through pool and relu at once; x is relu's output. Windows without ink (all 0) pass nothing."""
    gradient = gradient * (pooled > 0)
    result = np.empty_like(x)
    for source, target in zip(quarters(x), quarters(result)):
        np.multiply(gradient, source == pooled, out=target)
    return result


def forward(parameters, x):
    """Logits [n,10] and what backward() needs."""
    saved = []
    for layer, (_, _, pad) in enumerate(CONVOLUTIONS):
        rows, shape = patches(x, pad)
        y = np.maximum(rows @ parameters[2 * layer] + parameters[2 * layer + 1], 0.0).reshape(*shape, -1)
        pooled = max_pool(y)
        saved.append((x.shape, rows, y, pooled))
        x = pooled
    features = x.reshape(len(x), -1)
    return features @ parameters[-2] + parameters[-1], (saved, features)


def backward(parameters, memory, logits_gradient):
    """The gradients, in the order of the parameters."""
    saved, features = memory
    gradients = [None] * len(parameters)
    gradients[-2], gradients[-1] = features.T @ logits_gradient, logits_gradient.sum(axis=0)
    gradient = (logits_gradient @ parameters[-2].T).reshape(saved[-1][3].shape)
    for layer in reversed(range(len(CONVOLUTIONS))):
        shape, rows, y, pooled = saved[layer]
        through = max_pool_and_relu_gradient(y, pooled, gradient).reshape(len(rows), -1)
        gradients[2 * layer], gradients[2 * layer + 1] = rows.T @ through, through.sum(axis=0)
        if layer > 0:
            gradient = scatter_patches(through @ parameters[2 * layer].T, shape, CONVOLUTIONS[layer][2])
    return gradients


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def loss_and_gradients(parameters, x, digits):
    """Mean cross entropy of a batch and its gradients."""
    logits, memory = forward(parameters, x)
    probabilities = softmax(logits)
    picked = probabilities[np.arange(len(digits)), digits]
    probabilities[np.arange(len(digits)), digits] -= 1.0
    gradients = backward(parameters, memory, probabilities / np.float32(len(digits)))
    return float(-np.log(np.maximum(picked, 1e-12)).mean()), gradients


class Adam:
    """Adam with the usual constants; changes the parameters in place."""

    def __init__(self, parameters):
        self.first = [np.zeros_like(value) for value in parameters]
        self.second = [np.zeros_like(value) for value in parameters]
        self.step_count = 0

    def step(self, parameters, gradients, rate):
        self.step_count += 1
        correction1, correction2 = 1.0 - 0.9 ** self.step_count, 1.0 - 0.999 ** self.step_count
        for value, gradient, first, second in zip(parameters, gradients, self.first, self.second):
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient * gradient - second)
            value -= (rate / correction1) * first / (np.sqrt(second / correction2) + 1e-8)


def predict(parameters, images):
    """Probabilities [n,10] of uint8 pictures [n,28,28]."""
    batches = [images[start:start + 500] for start in range(0, len(images), 500)]
    return np.concatenate([softmax(forward(parameters, normalise(batch))[0]) for batch in batches])


def onnx_weights(parameters):
    """The parameters in ONNX's order: W [out,in,3,3] and B per convolution, then the dense weight [10,576] and bias."""
    weights = []
    for layer, (num_in, num_out, _) in enumerate(CONVOLUTIONS):
        weights.append(parameters[2 * layer].reshape(3, 3, num_in, num_out).transpose(3, 2, 0, 1))
        weights.append(parameters[2 * layer + 1])
    dense = parameters[-2].reshape(FINAL_SIDE, FINAL_SIDE, FINAL_CHANNELS, NUM_CLASSES)
    weights.append(dense.transpose(3, 2, 0, 1).reshape(NUM_CLASSES, -1))   # Flatten runs over channel, row, column
    weights.append(parameters[-1])
    return [np.ascontiguousarray(value) for value in weights]
