#include "textflag.h"

// Where the loader's image keeps the script and, behind it, the report of a failure: see image.go.
#define SCRIPT $0x600000
#define SIZE $0x40000
#define REPORT $0x640000

// func code()
//
// The loader's whole program. It takes scripts from file descriptor 3 and does their calls, one
// record after the other: see encode in script.go for the fields. It never runs in Go's process.
TEXT ·code(SB), NOSPLIT|NOFRAME, $0-0
script:
	MOVL $0, AX                // read(3, SCRIPT, SIZE)
	MOVL $3, DI
	MOVL SCRIPT, SI
	MOVL SIZE, DX
	SYSCALL
	TESTQ AX, AX
	JLE  exit                  // the other end has gone
	MOVL SCRIPT, BX
call:
	MOVQ 0(BX), AX
	CMPQ AX, $-1
	JEQ  script                // the script ends here
	MOVQ 8(BX), DI
	MOVQ 16(BX), SI
	MOVQ 24(BX), DX
	MOVQ 32(BX), R10
	MOVQ 40(BX), R8
	MOVQ 48(BX), R9
	SYSCALL
	CMPQ AX, $-4095
	JCC  failed
	MOVQ 56(BX), CX            // where the result goes
	TESTQ CX, CX
	JEQ  branch
	MOVQ AX, 0(CX)
branch:
	MOVQ 64(BX), CX            // where to go on after a result other than 0
	TESTQ CX, CX
	JEQ  next
	TESTQ AX, AX
	JEQ  next
	MOVQ CX, BX
	JMP  call
next:
	ADDQ $80, BX
	JMP  call
failed:
	CMPQ 72(BX), $0            // may it fail?
	JNE  next
	MOVL REPORT, SI            // write(3, {record, error}, 16)
	MOVQ BX, 0(SI)
	MOVQ AX, 8(SI)
	MOVL $1, AX
	MOVL $3, DI
	MOVL $16, DX
	SYSCALL
exit:
	MOVL $231, AX              // exit_group(127)
	MOVL $127, DI
	SYSCALL
	BYTE $'A'; BYTE $'s'; BYTE $'s'; BYTE $'a'; BYTE $'y'; BYTE $'e'; BYTE $'n'; BYTE $'d'

// func codeAddress() uintptr
TEXT ·codeAddress(SB), NOSPLIT, $0-8
	LEAQ ·code(SB), AX
	MOVQ AX, ret+0(FP)
	RET
