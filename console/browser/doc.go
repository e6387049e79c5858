// Package browser looks at the console's pages as people see them: in Chromium, driven by playwright-core, on a
// laboratory with real traffic. In come the walks of this folder, one a topic (NAME.mjs); out goes what is
// wrong with a page: an accessibility violation, a complaint of the console, too many bytes. There is nothing
// in it but tests.
package browser
