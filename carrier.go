package assay

import "context"

// Carrier takes offers to where they become trials, on other machines. An offer is a Trial with the
// invocation and the control's observation, and without candidates yet.
type Carrier interface {
	// Carry takes an offer for as long as it has room, or says why it is dropped. It never blocks. What
	// becomes of an offer that was taken, from is told once.
	Carry(offer *Trial, from Sender) (refused string)
	// Latest is the newest state of a source's ledger that lies in the stream, empty if none does: what
	// was handed over last before a crash may not have been written down elsewhere.
	Latest(ctx context.Context, of Ledger) (Ledger, error)
	// Close hands over what it can until ctx ends, and drops the rest for the reason given.
	Close(ctx context.Context, reason string)
}

// Sender is where an offer comes from.
type Sender interface {
	Ledger() Ledger        // what its source has counted by now; it travels with the offer
	Handed()               // the offer cannot be lost any more
	Dropped(reason string) // there is no room for it, or no time
	Doubtful()             // it may have been handed over: nobody answered
}

// Hand makes trials of the offers that a carrier brought. It is safe for concurrent use.
type Hand interface {
	// Try makes the trial of an offer; from is what its source had counted when it handed it over. It
	// returns when the trial is kept, or the reason for which it never will be. After an error it is to
	// be tried again, later or elsewhere.
	Try(ctx context.Context, offer *Trial, from Ledger) (refused string, err error)
	// Kept tells whether the trial of an offer is kept already.
	Kept(ctx context.Context, id string) (bool, error)
	// Note keeps what a source had counted, for offers that come to nothing here.
	Note(ctx context.Context, from Ledger) error
	// Refuse counts offers as dropped that come to nothing, each once however often it is refused, and never
	// one whose trial is kept. From is as in Note.
	Refuse(ctx context.Context, all []Refusal, from Ledger) error
}
