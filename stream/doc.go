// Package stream carries offers between machines over NATS JetStream, and agrees on definitions there. In come
// offers from lanes, and versions of experiments; out go, on other machines, offers to workers, each until it was
// kept or given up, and every version to everybody. What travels is sealed under a key that all machines share.
//
// Offers travel in frames: as many of one experiment as wait when the frame before is in the stream, so that one
// at a time costs no throughput, and what the source had counted travels along. Since one frame at a time is on
// its way, what was handed over is known exactly, whatever crashes.
package stream
