// Package noise tells the differences that every call makes from those that a change makes. In come
// samples of where the control differed from itself, rules that people accepted, and counts; out go
// proposals of rules, a comparator that excuses what the rules excuse, and what to think of each rule:
// its hits, its end, and the alarm that it hides more than noise. Pure.
package noise
