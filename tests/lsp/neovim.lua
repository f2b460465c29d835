-- What the test does in Neovim: opens a file with a fault, looks at what is shown, edits the fault away, and takes that back.
-- Everything that was seen is written to the file that $SEEN names.

local seen = { steps = {}, marks = {} }

local function shown()
  return vim.diagnostic.get(0)
end

local function wait(what, condition)
  if not vim.wait(60000, condition, 20) then
    seen.missed = what
    vim.fn.writefile({ vim.fn.json_encode(seen) }, os.getenv('SEEN'))
    vim.cmd('cquit')
  end
end

local function lines(buffer)
  return vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
end

vim.diagnostic.config({ virtual_text = true })
vim.cmd('edit src/lib.rs')
local source = vim.api.nvim_get_current_buf()
wait('the finding', function() return #shown() > 0 end)

-- The mark behind the line.
for _, namespace in pairs(vim.diagnostic.get_namespaces()) do
  local virtual_text = namespace.user_data.virt_text_ns
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(source, virtual_text, 0, -1, { details = true })) do
    local text = ''
    for _, part in ipairs(mark[4].virt_text) do
      text = text .. part[1]
    end
    table.insert(seen.marks, { line = mark[2] + 1, text = text })
  end
end
seen.code = shown()[1].code
seen.severity = vim.diagnostic.severity[shown()[1].severity]

-- The window with the whole message.
vim.fn.cursor(shown()[1].lnum + 1, 1)
local float = vim.diagnostic.open_float()
seen.float = lines(float)

-- The list of steps.
vim.cmd('FsynclintSteps')
seen.list = lines(0)
for _, item in ipairs(vim.fn.getloclist(0)) do
  table.insert(seen.steps, { line = item.lnum, text = item.text })
end
vim.cmd('lclose')

-- The repair, typed.
vim.fn.search('fs::rename')
vim.cmd('normal! Ofile.sync_all()?;')
wait('its end', function() return #shown() == 0 end)
seen.repaired = lines(source)

vim.cmd('undo')
wait('its return', function() return #shown() == 1 end)
seen.returned = shown()[1].lnum + 1

-- A broken line above it: the finding stays, and moves.
vim.fn.cursor(1, 1)
vim.cmd('normal! Opub fn half( {')
wait('the finding in its new line', function()
  for _, finding in ipairs(shown()) do
    if finding.code == 'rename-before-sync' and finding.lnum + 1 == seen.returned + 1 and #shown() == 2 then
      return true
    end
  end
end)
vim.cmd('undo')
wait('the remark to go', function() return #shown() == 1 end)

local client = vim.lsp.get_active_clients and vim.lsp.get_active_clients()[1] or vim.lsp.get_clients()[1]
client.stop()
wait('the end of the server', function() return client.is_stopped() end)
vim.fn.writefile({ vim.fn.json_encode(seen) }, os.getenv('SEEN'))
vim.cmd('qall!')
