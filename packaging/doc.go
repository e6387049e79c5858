// Package packaging holds what turns the binary into something to install: a Debian package with a systemd
// unit, container images, a Helm chart. It is a module of its own, so that the tools that make and check
// these (nfpm, CycloneDX, Helm, BuildKit) are pinned, and weigh nothing on those who build Assay.
package packaging
