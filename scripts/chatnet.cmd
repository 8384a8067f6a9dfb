@echo off
rem Runs chatnet from this clone, as scripts/chatnet does elsewhere. The first run makes its environment.
setlocal EnableExtensions DisableDelayedExpansion

for %%I in ("%~dp0..") do set "root=%%~fI"
rem One line that changes when an installation is due; see _bootstrap.py.
for %%I in ("%root%\pyproject.toml") do set "stamp=%%~zI %%~tI %root%"
set "noted="
if exist "%root%\.venv\Scripts\chatnet.exe" if exist "%root%\.venv\.installed-runtime" set /p "noted=" <"%root%\.venv\.installed-runtime"
if "%noted%"=="%stamp%" goto ready

rem The Python of the Microsoft Store that only opens the store fails at this too.
for %%P in ("py -3" "python" "python3") do (
    %%~P -I -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>nul
    if not errorlevel 1 (
        set "python=%%~P"
        goto found
    )
)
echo chatnet: needs Python 3.11 or newer, and there is none here. Install one, then run this again: 1>&2
echo winget install Python.Python.3.13 1>&2
exit /b 69

:found
%python% -I "%root%\scripts\_bootstrap.py" runtime "%stamp%" <nul 1>&2
if errorlevel 1 exit /b %errorlevel%

:ready
"%root%\.venv\Scripts\chatnet.exe" %*
exit /b %errorlevel%
