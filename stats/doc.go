// Package stats turns counts and numbers into intervals, e-values and decisions that stay true however
// often one looks. In come plain numbers, out go plain numbers; it knows no noun of the laboratory.
//
// An e-value is what one unit staked against a claim has grown to in a game that is fair or worse as
// long as the claim is true. So the chance that it ever reaches 1/alpha under a true claim is at most
// alpha (Ville's inequality), and it may be looked at after every observation. A confidence sequence is
// the set of values against which no such game has reached 1/alpha: with probability 1 - alpha it
// contains the truth at all times together.
//
// Sources: Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence
// sequences" (2021) and "Sequential estimation of quantiles" (Howard, Ramdas 2022); Waudby-Smith,
// Ramdas, "Estimating means of bounded random variables by betting" (2023); Waudby-Smith et al.,
// "Time-uniform central limit theory and asymptotic confidence sequences" (2024); Wang, Ramdas, "False
// discovery rate control with e-values" (2022).
package stats
