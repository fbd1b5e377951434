"""The dynamical ECG model of McSharry et al. with parameters that change from one beat to the next.

A heartbeat is one turn around a limit cycle in the (x, y) plane; events at fixed phases of the cycle push the
voltage z up or down and so draw the P, Q, R, S and T waves. Equation (1) of the paper:

    x' = (1 - r) x - w y,   y' = (1 - r) y + w x,   r = sqrt(x^2 + y^2)
    z' = -sum_i a_i dtheta_i exp(-dtheta_i^2 / (2 b_i^2)) - (z - z0),   dtheta_i = theta - theta_i

Three properties make the model fast and its waves separable:

- A trajectory that starts on the circle stays on it, so that x and y reduce to the phase theta with theta' = w.
- One turn lasts one RR interval, so that w = 2 pi / RR is constant within a beat and theta follows in closed form.
- z is linear in the a_i, so the signal is the sum of the waves, and each wave can be computed exactly.

Published implementations keep one set of parameters for a whole recording and therefore cannot place a premature or
a ventricular beat between normal ones. Here every beat has its own wave table, its own RR and its own phase, zero at
its own R peak. Modelling assumption: the beats add up. In the paper they do so too: a wave that lasts longer than its
turn continues into the next. With one phase for all beats, w would have to jump within a wave of a premature beat. A
wave is a b^2 / w high, so its two flanks would end at different heights.

Source: McSharry PE, Clifford GD, Tarassenko L, Smith LA. A dynamical model for generating synthetic electrocardiogram
signals. IEEE Trans Biomed Eng 50(3):289-294 (2003).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Events:
    """The events of N trajectories with W waves each, all of shape (N, W).

    Attributes:
        theta: phase of the event in rad, 0 at the R peak of the beat that the wave belongs to.
        a: strength, in mV / (rad s).
        b: width in rad.
        omega: angular velocity of the beat that the wave belongs to, in rad/s.
        r_time: time of that beat's R peak in s.
    """

    theta: Array
    a: Array
    b: Array
    omega: Array
    r_time: Array


def events(height: Array, delay: Array, width: Array, rr: Array, r_time: Array) -> Events:
    """Turn waves as a cardiologist measures them into the model's events.

    Without the slow return to the baseline (time constant 1 s), equation (1) integrates to one Gaussian a wave,
    (a b^2 / w) exp(-dtheta^2 / (2 b^2)); solved here for theta, a and b.

    Args:
        height: (N, W) in mV, signed.
        delay: (N, W), time of the wave's peak after its R peak in s.
        width: (N, W), standard deviation in s, above 0.
        rr: (N, W), RR interval of the wave's beat in s.
        r_time: (N, W), time of its R peak in s.
    """
    omega = 2 * np.pi / rr
    b = omega * width
    return Events(theta=omega * delay, a=height * omega / b**2, b=b, omega=omega, r_time=r_time)


def contributions(waves: Events, start: float, samples: int, rate: float, substeps: int = 4) -> Array:
    """Integrate equation (1) with z0 = 0 by the classical fourth-order Runge-Kutta method, wave by wave.

    Args:
        waves: the events.
        start: where the integration starts, in s, at or before 0; z is 0 there, so it has to lie before the first wave.
        samples: how many samples to return, the first at t = 0.
        rate: sampling rate of the result in Hz.
        substeps: steps of the integration per sample.

    Returns:
        (N, samples, W) in mV: the voltage of each wave alone; its sum over the last axis is z.

    Raises:
        ValueError: start is after 0.
    """
    if start > 0:
        raise ValueError(f"start: found {start}; expected 0 or less.")
    step = 1 / (rate * substeps)
    before = int(np.ceil(-start / step))
    phase_at_zero = -waves.omega * waves.r_time - waves.theta
    minus_half_inverse_variance = -0.5 / waves.b**2

    def drive(time: float) -> Array:
        dtheta = phase_at_zero + waves.omega * time
        return np.asarray(-waves.a * dtheta * np.exp(minus_half_inverse_variance * dtheta * dtheta))

    z = np.zeros_like(waves.theta)
    result = np.empty((samples, *z.shape))
    now = drive(-before * step)
    for index in range(-before, (samples - 1) * substeps + 1):
        if index >= 0 and index % substeps == 0:
            result[index // substeps] = z
        halfway, then = drive((index + 0.5) * step), drive((index + 1) * step)
        k1 = now - z
        k2 = halfway - (z + step / 2 * k1)
        k3 = halfway - (z + step / 2 * k2)
        k4 = then - (z + step * k3)
        z = z + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        now = then
    return np.moveaxis(result, 0, 1)
