"""Slow loops written from the formulas. Fast code is held to them; nothing here is built from it.

Numbers are Python floats, vectors are lists, matrices are lists of rows.
"""

import math


def margins(scores, y, delta):
    """Return S_j - S_y + delta for every class j other than y, as a dict."""
    return {j: s - scores[y] + delta for j, s in enumerate(scores) if j != y}


def weston_watkins(scores, y, delta):
    """sum_{j != y} max(0, S_j - S_y + delta)."""
    loss, slope, active = 0.0, [0.0] * len(scores), 0
    for j, margin in margins(scores, y, delta).items():
        if margin > 0:
            loss += margin
            slope[j] += 1
            slope[y] -= 1
            active += 1
    return loss, slope, active


def weston_watkins_squared(scores, y, delta):
    """sum_{j != y} max(0, S_j - S_y + delta)^2."""
    loss, slope, active = 0.0, [0.0] * len(scores), 0
    for j, margin in margins(scores, y, delta).items():
        if margin > 0:
            loss += margin**2
            slope[j] += 2 * margin
            slope[y] -= 2 * margin
            active += 1
    return loss, slope, active


def worst(scores, y, delta):
    """Return the first class with the largest margin, and that margin."""
    found = margins(scores, y, delta)
    best = None
    for j in sorted(found):
        if best is None or found[j] > found[best]:
            best = j
    return best, found[best]


def crammer_singer(scores, y, delta):
    """max(0, max_{j != y} S_j - S_y + delta)."""
    slope = [0.0] * len(scores)
    j, margin = worst(scores, y, delta)
    if margin <= 0:
        return 0.0, slope, 0
    slope[j], slope[y] = 1.0, -1.0
    return margin, slope, 1


def crammer_singer_squared(scores, y, delta):
    """max(0, max_{j != y} S_j - S_y + delta)^2."""
    slope = [0.0] * len(scores)
    j, margin = worst(scores, y, delta)
    if margin <= 0:
        return 0.0, slope, 0
    slope[j], slope[y] = 2 * margin, -2 * margin
    return margin**2, slope, 1


def one_vs_rest(scores, y, delta):
    """max(0, delta - S_y) + sum_{j != y} max(0, delta + S_j)."""
    loss, slope, active = 0.0, [0.0] * len(scores), 0
    for j, score in enumerate(scores):
        sign = -1 if j == y else 1
        if delta + sign * score > 0:
            loss += delta + sign * score
            slope[j] += sign
            active += 1
    return loss, slope, active


def one_vs_rest_squared(scores, y, delta):
    """max(0, delta - S_y)^2 + sum_{j != y} max(0, delta + S_j)^2."""
    loss, slope, active = 0.0, [0.0] * len(scores), 0
    for j, score in enumerate(scores):
        sign = -1 if j == y else 1
        hinge = delta + sign * score
        if hinge > 0:
            loss += hinge**2
            slope[j] += 2 * sign * hinge
            active += 1
    return loss, slope, active


LOSSES = {
    function.__name__: function
    for function in (
        weston_watkins,
        weston_watkins_squared,
        crammer_singer,
        crammer_singer_squared,
        one_vs_rest,
        one_vs_rest_squared,
    )
}


def scores_of(x, W, b):
    """Return x W + b for one row."""
    return [sum(x[k] * W[k][j] for k in range(len(x))) + b[j] for j in range(len(b))]


def zeros(rows, columns):
    """Return a matrix of zeros."""
    return [[0.0] * columns for _ in range(rows)]


def problem(X, y, W, b, *, loss, delta=1.0, lam=0.0, bias="regularized", class_weight=None):
    """Return P(W, b), its gradients dW, db, dX, and the sums behind them, as a dict."""
    n, n_features, n_classes = len(X), len(W), len(b)
    total, active, correct = 0.0, 0, 0
    dW, db, dX = zeros(n_features, n_classes), [0.0] * n_classes, zeros(n, n_features)
    for i in range(n):
        scores = scores_of(X[i], W, b)
        value, slope, hinges = LOSSES[loss](scores, y[i], delta)
        weight = 1.0 if class_weight is None else class_weight[y[i]]
        total += weight * value
        active += hinges
        correct += max(range(n_classes), key=lambda j: (scores[j], -j)) == y[i]
        for j in range(n_classes):
            db[j] += weight * slope[j] / n
            for k in range(n_features):
                dW[k][j] += weight * slope[j] * X[i][k] / n
                dX[i][k] += weight * slope[j] * W[k][j] / n
    value = total / n
    for j in range(n_classes):
        for k in range(n_features):
            value += lam * W[k][j] ** 2
            dW[k][j] += 2 * lam * W[k][j]
        if bias == "regularized":
            value += lam * b[j] ** 2
            db[j] += 2 * lam * b[j]
        elif bias == "none":
            db[j] = 0.0
    return {
        "value": value,
        "loss": total,
        "active": active,
        "correct": correct,
        "dW": dW,
        "db": db,
        "dX": dX,
    }


def rate(name, plan, t):
    """Return the learning rate of step t, counted from 0; `plan` is a dict."""
    lr, T, E = plan["lr"], plan["total_steps"], plan["steps_per_epoch"]
    span = plan["decay_epochs"] * E
    if name == "constant":
        return lr
    if name == "linear":
        return lr * (1 - t / T) if t < T else 0.0
    if name == "cosine":
        return lr * (1 + math.cos(math.pi * t / T)) / 2 if t < T else 0.0
    if name == "step":
        return lr * plan["decay"] ** math.floor(t / span)
    if name == "exponential":
        return lr * plan["decay"] ** (t / span)
    if name == "inverse_scaling":
        t0 = E if plan["t0"] is None else plan["t0"]
        return lr / (1 + t / t0) ** plan["power"]
    if name == "pegasos":
        t0 = 1 / (2 * plan["lam"] * lr) if plan["t0"] is None else plan["t0"]
        return 1 / (2 * plan["lam"] * (t + t0))
    raise KeyError(name)


def iterate_weights(averaging, count):
    """Return the weight of each of `count` iterates in their average; they sum to 1."""
    if averaging == "polyak":
        raw = [1.0] * count
    else:
        raw = [float(math.prod(range(t, t + 8))) for t in range(1, count + 1)]
    return [weight / sum(raw) for weight in raw]


def weighted_mean(vectors, weights):
    """Return the weighted sum of some vectors."""
    return [
        sum(w * vector[k] for w, vector in zip(weights, vectors, strict=True))
        for k in range(len(vectors[0]))
    ]


class SGD:
    """SGD over one flat vector, by the textbook formulas.

    plain      w <- w - lr g
    momentum   v <- m v - lr g;  w <- w + v
    nesterov   v <- m v - lr g;  w <- w + m v - lr g
    """

    def __init__(self, w, *, rate, momentum=0.0, nesterov=False, averaging="none"):
        self.w = list(w)
        self.v = [0.0] * len(self.w)
        self.rate, self.momentum, self.nesterov = rate, momentum, nesterov
        self.averaging = averaging
        self.iterates = []

    def step(self, g):
        """Make one update."""
        lr = self.rate(len(self.iterates))
        for k in range(len(self.w)):
            if self.momentum == 0:
                self.w[k] -= lr * g[k]
                continue
            self.v[k] = self.momentum * self.v[k] - lr * g[k]
            if self.nesterov:
                self.w[k] += self.momentum * self.v[k] - lr * g[k]
            else:
                self.w[k] += self.v[k]
        self.iterates.append(list(self.w))

    def judged(self):
        """Return the weights to judge: the average of the iterates where there is one."""
        if self.averaging == "none":
            return list(self.w)
        return weighted_mean(self.iterates, iterate_weights(self.averaging, len(self.iterates)))


def flat(W, b):
    """Return W and b as one list."""
    return [value for row in W for value in row] + list(b)


def unflat(w, n_features, n_classes):
    """Return W and b out of one list."""
    W = [w[k * n_classes : (k + 1) * n_classes] for k in range(n_features)]
    return W, w[n_features * n_classes :]


def train(X, y, orders, batch_size, solver, n_classes, objective):
    """Run SGD over the epochs of `orders`; return (judged weights, online loss) an epoch."""
    n_features = len(X[0])
    epochs = []
    for order in orders:
        online = 0.0
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            W, b = unflat(solver.w, n_features, n_classes)
            found = problem([X[i] for i in rows], [y[i] for i in rows], W, b, **objective)
            online += found["loss"]
            solver.step(flat(found["dW"], found["db"]))
        epochs.append((solver.judged(), online / len(order)))
    return epochs


def confusion(true, predicted, n_classes):
    """Return counts by true and predicted class."""
    table = [[0] * n_classes for _ in range(n_classes)]
    for t, p in zip(true, predicted, strict=True):
        table[t][p] += 1
    return table


def class_figures(true, predicted, c):
    """Return precision, recall and F1 of class c; a ratio with denominator 0 is 0."""
    pairs = list(zip(true, predicted, strict=True))
    right = sum(t == c and p == c for t, p in pairs)
    said = sum(p == c for _, p in pairs)
    there = sum(t == c for t, _ in pairs)
    precision = right / said if said else 0.0
    recall = right / there if there else 0.0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0
