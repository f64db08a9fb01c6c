"""The VAE in eager PyTorch, as its tutorials write it; `fused` takes the optimizer's one-kernel form."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from vae_clock import HIDDEN, LATENT, PIXELS, RATE, Blocks, glorot, serve


class VAE(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, PIXELS))
        with torch.no_grad():
            for linear, (W, b) in zip(self.linears(), glorot(seed), strict=True):
                linear.weight.copy_(torch.from_numpy(W.T.copy()))
                linear.bias.copy_(torch.from_numpy(b))

    def linears(self):
        return self.encoder[0], self.encoder[2], self.decoder[0], self.decoder[2]

    def loss(self, x):
        mean, log_sd = self.encoder(x).chunk(2, dim=1)
        logits = self.decoder(mean + log_sd.exp() * torch.randn_like(mean))
        likelihood = -binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * torch.sum(mean**2 + (2 * log_sd).exp() - 1 - 2 * log_sd)
        return (kl - likelihood) / len(x)


def trainer(images, batch, seed=0, fused=False):
    X = torch.from_numpy(np.array(images))

    def start():
        torch.manual_seed(seed)
        model = VAE(seed)
        return model, torch.optim.Adam(model.parameters(), lr=RATE, fused=fused)

    def advance(state, block):
        model, adam = state
        for rows in torch.from_numpy(block.astype(np.int64)):
            adam.zero_grad()
            model.loss(X[rows]).backward()
            adam.step()
        return state

    def layers(state):
        return [(linear.weight.detach().numpy().T, linear.bias.detach().numpy()) for linear in state[0].linears()]

    return Blocks(len(images), batch, start, advance, layers)


if __name__ == "__main__":
    serve(trainer)
